import type { ImageSource, PullOptions } from '../../app/ports.ts';
import { serviceOf, text } from '../../config/model.ts';
import { parseDuration } from '../../core/duration.ts';
import { DeployError, type ErrorCode } from '../../core/errors.ts';
import type { Project } from '../../core/project.ts';
import { wordsOf, type Outcome } from './call.ts';

/** What has to be asked about an image that is here. */
export interface ImageQuestions {
  /** When the image got its tag last; null if it is not here. */
  readonly taggedAt: (reference: string) => Promise<number | null>;
  /** True if an image that is here came from a registry. */
  readonly isPulled: (reference: string) => Promise<boolean>;
  readonly now: () => number;
}

/** The calls that fetching needs. */
export interface ImageCalls extends ImageQuestions {
  /** `docker compose pull SERVICE` or `build SERVICE` with the user's files. */
  readonly compose: (command: 'pull' | 'build', service: string) => Promise<Outcome>;
}

/** A service under the question where its image comes from. */
interface Wanted {
  readonly service: string;
  readonly image: string;
  readonly policy: string;
  readonly buildable: boolean;
  /** False for a service that is only built: its image has no name that a registry knows. */
  readonly pullable: boolean;
}

const DAY_MS = 86_400_000;
const BUILD_LINES = 20;

/**
 * What `docker compose up` does about the image of a service, without starting it: builds or pulls by the service's
 * pull policy. A present image is asked for at the registry by `always`, by a policy of time, and by who wants to refresh it.
 * @throws image-missing, registry-refused, registry-unreachable, naming service, image and the registry's words
 */
export async function fetchImage(
  project: Project,
  service: string,
  options: PullOptions,
  calls: ImageCalls,
): Promise<void> {
  const wanted = wantedOf(project, service);
  const source = await imageSource(project, service, options, calls);
  if (source === 'here') return;
  if (source === 'build') return build(wanted, calls);
  const pulled = source === 'missing' ? null : await calls.compose('pull', service);
  if (pulled?.ok === true) return;
  // Compose goes on with the image that it can build; one that it was told to fetch and could not is an error.
  if (!wanted.buildable) refuse(wanted, options, pulled);
  if ((await calls.taggedAt(wanted.image)) === null) await build(wanted, calls);
}

/** Where that image comes from; fetches nothing. */
export async function imageSource(
  project: Project,
  service: string,
  options: PullOptions,
  { taggedAt, isPulled, now }: ImageQuestions,
): Promise<ImageSource> {
  const wanted = wantedOf(project, service);
  if (wanted.buildable && (options.build || wanted.policy === 'build')) return 'build';
  const present = await taggedAt(wanted.image);
  // What was built here is nobody else's to replace.
  const refresh = options.refresh && (!wanted.buildable || (await isPulled(wanted.image)));
  if (shallPull(wanted, { ...options, refresh }, present, now())) return wanted.buildable ? 'pull-or-build' : 'pull';
  if (present !== null) return 'here';
  return wanted.buildable ? 'build' : 'missing';
}

function wantedOf(project: Project, service: string): Wanted {
  const model = serviceOf(project.models.base, service);
  return {
    service,
    image: project.services[service]?.image ?? service,
    policy: text(model['pull_policy']) ?? 'missing',
    buildable: 'build' in model,
    pullable: 'image' in model,
  };
}

function shallPull(wanted: Wanted, options: PullOptions, present: number | null, now: number): boolean {
  if (!options.pull || !wanted.pullable || wanted.policy === 'never' || wanted.policy === 'build') return false;
  if (present === null || wanted.policy === 'always' || options.refresh) return true;
  const age = maxAgeMs(wanted.policy);
  return age !== null && now - present > age;
}

/** How old an image may be under a policy of time (compose-spec 05, `pull_policy`); null for other policies. */
function maxAgeMs(policy: string): number | null {
  if (policy === 'daily') return DAY_MS;
  if (policy === 'weekly') return 7 * DAY_MS;
  const every = /^every_(?:(\d+)w)?(?:(\d+)d)?(.*)$/.exec(policy);
  if (every === null) return null;
  const [, weeks, days, rest] = every;
  return (Number(weeks ?? 0) * 7 + Number(days ?? 0)) * DAY_MS + (parseDuration(rest ?? '') ?? 0);
}

async function build({ service, image }: Wanted, calls: ImageCalls): Promise<void> {
  const outcome = await calls.compose('build', service);
  if (outcome.ok) return;
  const lines = wordsOf(outcome.stderr).slice(-BUILD_LINES);
  throw new DeployError('image-missing', {
    what: `the image ${image} of service ${service} cannot be built: ${lines.at(-1) ?? ''}`,
    next: 'correct what the build says, then run the command again',
    details: lines,
  });
}

function refuse({ service, image, policy }: Wanted, options: PullOptions, pulled: Outcome | null): never {
  if (pulled !== null) throw notFetched(`the image ${image} of service ${service}`, wordsOf(pulled.stderr));
  const why = options.pull ? `its pull_policy is ${policy}` : 'pulling was not wanted (--no-pull)';
  throw new DeployError('image-missing', {
    what: `the image ${image} of service ${service} is missing: it is not here, and ${why}`,
  });
}

/** What the engine says of a pull is meant for people: where it fits nothing, all that is certain is that there is no image. */
const REASONS: readonly (readonly [RegExp, ErrorCode])[] = [
  // Docker Hub says the same of a name that nobody has and of one that nobody may see.
  [/repository does not exist/i, 'image-missing'],
  [/no basic auth credentials|unauthorized|authentication required|denied/i, 'registry-refused'],
  [
    /dial tcp|no such host|i\/o timeout|connection re(?:fused|set)|TLS handshake|x509|Client\.Timeout|\bEOF\b/i,
    'registry-unreachable',
  ],
];

function notFetched(what: string, words: readonly string[]): DeployError {
  const reason = (words.at(-1) ?? 'the registry gave no reason').replace(/^Error response from daemon: /, '');
  const [, code] = REASONS.find(([said]) => said.test(reason)) ?? [null, 'image-missing'];
  return new DeployError(code, {
    what: `${what} cannot be fetched: ${reason}`,
    details: words.filter((line) => !line.endsWith(reason) && !/ Pulling$/.test(line)),
  });
}
