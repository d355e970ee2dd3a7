import { DeployError } from '../core/errors.ts';
import { parseImage } from '../core/image-reference.ts';
import type { Project } from '../core/project.ts';
import type { Release } from '../core/release.ts';
import { isOlder, isWithin, newestVersion, tagForm, windowText } from '../core/update.ts';
import { deploy } from './deploy.ts';
import { replacedServices } from './freeze.ts';
import { nothingToDo, type Outcome } from './outcome.ts';
import type { Ports } from './ports.ts';
import { locate } from './session.ts';
import { survey } from './state.ts';

export interface UpdateOptions {
  /** Instead of what the compose files say; null: as they say. */
  readonly version: string | null;
  /** Whatever hour it is. */
  readonly now: boolean;
  readonly dryRun: boolean;
  readonly waitMs: number | null;
  readonly timeoutMs: number | null;
}

/**
 * Deploys what the registry has if that is not what serves: another image under the same tag, or a newer version in the
 * range of `x-deploy-bg.update`. Looks without the lock, so that two at once end as two deploys do.
 * @throws registry-unreachable, registry-refused, or what a deploy throws
 */
export async function update(ports: Ports, options: UpdateOptions, signal: AbortSignal): Promise<Outcome> {
  const live = await liveRelease(ports, options.version ?? 'latest');
  const project = await ports.compose.read(options.version ?? live?.version ?? 'latest');
  const closed = options.now ? null : closedWindow(ports, project);
  if (closed !== null) return nothing(live, `updates begin at ${closed} only: nothing is done now`);
  const wanted = options.version ?? (await wantedVersion(ports, project, live));
  const reason = live === null ? null : await reasonToStay(ports, project, live, wanted, options);
  if (reason !== null) return nothing(live, `${reason}: nothing to do`);
  const { dryRun, waitMs, timeoutMs } = options;
  return deploy(ports, { ...PLAIN, version: wanted, dryRun, waitMs, timeoutMs }, signal);
}

function nothing(live: Release | null, message: string): Outcome {
  return nothingToDo(live?.version ?? null, null, message);
}

/** Why what serves is what shall serve; null if it is not. */
async function reasonToStay(
  ports: Ports,
  project: Project,
  live: Release,
  wanted: string,
  { version: asked }: UpdateOptions,
): Promise<string | null> {
  if (asked === null && isOlder(wanted, live.version)) return `${live.version} serves, and ${wanted} is the newest`;
  const isSame = live.version === wanted && !(await hasMoved(ports, project, live));
  return isSame ? `${wanted} is what the registry has` : null;
}

/** As a deploy that fetches what is new, and nothing else of its own. */
const PLAIN = {
  services: [],
  pull: true,
  build: false,
  refresh: true,
  force: false,
  takeOver: false,
  supersede: false,
  attach: false,
} as const;

async function liveRelease(ports: Ports, version: string): Promise<Release | null> {
  const location = await locate(ports, version);
  const router = ports.router({ spec: location.proxy, project: location.project });
  return (await survey({ ports, project: location.project, router, replaced: location.replaced })).liveRelease;
}

/** The hours in which updates may begin, if it is none of them. */
function closedWindow({ clock }: Ports, { update: { window } }: Project): string | null {
  const now = new Date(clock.now());
  const isOpen = window === null || isWithin(window, now.getHours() * 60 + now.getMinutes());
  return isOpen ? null : windowText(window);
}

async function wantedVersion(ports: Ports, project: Project, live: Release | null): Promise<string> {
  const { range, image, version } = project.update;
  if (range !== null && image !== null) return newestInRange(ports, project, image, range);
  const wanted = version ?? live?.version;
  if (wanted !== undefined) return wanted;
  throw new DeployError('not-possible', {
    what: 'nothing is deployed yet, and the compose files do not say which version shall be kept up to date',
    next: 'deploy one (docker-deploy-bg deploy <version>), or name it: x-deploy-bg: {update: {version: latest}}',
  });
}

async function newestInRange(ports: Ports, project: Project, service: string, range: string): Promise<string> {
  const image = project.services[service]?.image ?? '';
  const form = tagForm(image, project.version);
  if (form === null)
    throw new DeployError('invalid-config', {
      what: `nobody can tell which part of the tag of ${image} is the version ${project.version}`,
      next: `write the image of ${service} with \${VERSION} in its tag, once`,
    });
  ports.emit({ kind: 'phase', text: `asking the registry for the newest ${service} in ${range}` });
  const newest = newestVersion(await ports.registry.tags(image), form, range);
  if (newest !== null) return newest;
  const { domain, path } = parseImage(image);
  throw new DeployError('image-missing', {
    what: `no tag of ${domain}/${path} is a version in ${range}`,
    next: 'see that versions are pushed as tags such as 1.2.3, or correct x-deploy-bg.update.range',
  });
}

/** True if a tag of the release that serves stands for another image by now. */
async function hasMoved(ports: Ports, project: Project, live: Release): Promise<boolean> {
  const { image } = project.update;
  const services = replacedServices(project, image === null ? [] : [image]).filter((name) => isPulled(project, name));
  if (services.length === 0)
    throw new DeployError('not-possible', {
      what: 'no image of the services that a deploy replaces comes from a registry',
      next: 'build the new version, then docker-deploy-bg deploy <version>',
    });
  ports.emit({ kind: 'phase', text: `asking the registry for ${services.join(', ')}` });
  for (const name of services) if (await isOther(ports, project.services[name]?.image ?? '', live, name)) return true;
  return false;
}

/** A service that only builds its image, or must not ask, has nothing there to compare with. */
function isPulled({ services }: Project, name: string): boolean {
  const policy = services[name]?.pullPolicy;
  return policy !== 'never' && policy !== 'build';
}

async function isOther({ engine, registry }: Ports, reference: string, live: Release, name: string): Promise<boolean> {
  const here = await engine.image(live.services[name]?.imageId ?? reference);
  return here === null || !here.digests.includes(await registry.digest(reference));
}
