import { changesOf } from '../core/changes.ts';
import type { CompileInput } from '../core/compile.ts';
import { crowds, forecast, type GivenNames, type Stage, turnsOf } from '../core/forecast.ts';
import { liveColor } from '../core/live.ts';
import type { Observed } from '../core/observed.ts';
import { partsOf } from '../core/parts.ts';
import { stepText } from '../core/plan.ts';
import { jobsOf, type Project } from '../core/project.ts';
import type { RolloutRecord } from '../core/record.ts';
import { redactWords } from '../core/redact.ts';
import type { Release } from '../core/release.ts';
import { readableRoutes, routeDiff } from '../core/route-diff.ts';
import { placeOf } from '../core/sides.ts';
import { isUp } from '../core/steps/containers.ts';
import { timeBounds, totalBound } from '../core/time-bound.ts';
import { draft, type DraftOptions } from './draft.ts';
import { freeze, NOT_HERE, replacedServices } from './freeze.ts';
import { nothingToDo, type Outcome, sideName } from './outcome.ts';
import {
  type ImagePlan,
  isFetched,
  type Plan,
  type ProxyPlan,
  type ServicePlan,
  type SharedPlan,
  type StepPlan,
} from './plan-view.ts';
import type { ImageSource, Ports, PullOptions } from './ports.ts';
import { isFinished } from './recover.ts';
import { diskPlan, memoryPlan, resourcesOf, shortagesOf } from './room.ts';
import { locationOf, looking, type View } from './session.ts';
import { type Known, refuseForeign, requireClear, requireSameProxy, survey } from './state.ts';
import { wanted } from './wanted.ts';

export interface PlanOptions extends DraftOptions, PullOptions {
  readonly takeOver: boolean;
}

/**
 * What a deploy would do and what it would take. Takes no lock, fetches nothing and writes nothing: what it shows is so
 * as long as nobody changes anything.
 * @throws what the deploy would throw before it begins
 */
export async function plan(ports: Ports, project: Project, options: PlanOptions): Promise<Outcome> {
  return looking(ports, locationOf(project), async (view) => {
    const known = await survey(view);
    requireClear(known.live);
    requireSameProxy(known, project.proxy);
    refuseForeign(known.observed, view.storeId, options.takeOver);
    const { services, refresh } = options;
    const release = await freeze(ports, project, { services, refresh, dryRun: true, stable: known.liveRelease });
    const { input, record } = draft(ports, { project, options, known, release });
    const made = await planOf({ view, project, options, known, release, input, record });
    return planned(redactWords(made, view.secrets));
  });
}

/** The outcome of a command that only had to find out. */
function planned(found: Plan): Outcome {
  const { version, color } = found.to;
  return { ...nothingToDo(version, color, found.message), state: found.state, plan: found };
}

interface Planning {
  readonly view: View;
  readonly project: Project;
  readonly options: PlanOptions;
  readonly known: Known;
  readonly release: Release;
  readonly input: CompileInput;
  /** Null if nothing has to be done. */
  readonly record: RolloutRecord | null;
}

async function planOf(planning: Planning): Promise<Plan> {
  const { view, project, known, release, input, record } = planning;
  const changes = changesOf(input);
  const names = givenNames(project);
  const stages = record === null ? [] : forecast(record, known.observed, names);
  const runs = new Set(stages.flatMap(({ step }) => (step.kind === 'run' ? [step.service] : [])));
  const parts = partsOf({ input, changes, runs, facts: project.facts });
  const images = await imagesOf(planning);
  const services = parts.map((part): ServicePlan => ({ ...part, image: images.get(part.service) ?? null }));
  const [resources, notes, proxy, drifted] = await Promise.all([
    resourcesOf(view.ports),
    notesOf(planning),
    proxyOf(planning, stages),
    view.ports.compose.sharedDrift(project, known.observed.containers),
  ]);
  const memory = await memoryPlan(view.ports.engine, { project, stages, observed: known.observed, resources });
  const disk = diskPlan(services, resources);
  const { stable, candidate } = changes;
  return {
    project: project.name,
    version: planning.options.version,
    state: record === null ? 'nothing-to-do' : 'planned',
    message: messageOf(planning, anew(services, release)),
    from: stable === null ? null : { version: stable.version, color: stable.color },
    to: { version: candidate.version, color: candidate.color },
    services,
    shared: sharedOf(project, known.observed),
    ...stepsOf(planning, stages),
    twice: crowds(stages).filter(({ old, new: fresh, now }) => old > 0 && old + fresh > now),
    memory,
    disk,
    proxy,
    notes: [
      ...notes,
      ...imageNotes(services, release),
      ...(record === null ? [] : proxyNotes(known.observed)),
      ...drifted.map(({ message, hint }) => `${message} (${hint})`),
    ],
    shortages: shortagesOf(memory),
  };
}

function messageOf({ record, known, options: { version } }: Planning, fetched: readonly string[]): string {
  if (record === null) {
    const color = liveColor(known.live);
    const only = fetched.length === 0 ? '' : `, if the images of ${fetched.join(', ')} come as they are`;
    return `${version}${color === null ? '' : ` (${color})`} already serves all traffic: nothing to do${only}`;
  }
  const from = record.stable === null ? '' : ` in the place of ${sideName(record.stable)}`;
  const isRefused = proxyNotes(known.observed).length > 0;
  return `would bring in ${sideName(record.candidate)}${from}${isRefused ? ', once the proxy has been created anew' : ''}`;
}

/** What the compose files call containers. */
function givenNames({ facts }: Project): GivenNames {
  return (side) =>
    Object.fromEntries(
      Object.keys(side.services).flatMap((service) => {
        const given = facts[service]?.containerNames[placeOf(side, service) ?? 'plain'] ?? null;
        return given === null ? [] : [[service, given]];
      }),
    );
}

function stepsOf({ known, release }: Planning, stages: readonly Stage[]): Pick<Plan, 'steps' | 'time'> {
  const bounds = timeBounds(stages, { stable: known.liveRelease, candidate: release });
  const { ms, until } = totalBound(bounds);
  const completed = stages.findIndex(({ step }) => step.kind === 'complete') + 1;
  const steps = stages.map(({ step }, index): StepPlan => {
    const bound = bounds[index];
    const text = stepText(step);
    return bound?.kind === 'open'
      ? { text, atMostMs: null, until: bound.until }
      : { text, atMostMs: bound?.ms ?? 0, until: null };
  });
  return { steps, time: { atMostMs: ms, completeMs: totalBound(bounds.slice(0, completed)).ms, until } };
}

/** Of the services that are made of today's files. Only those that the deploy asks for are fetched. */
async function imagesOf({ view, project, options, known }: Planning): Promise<ReadonlyMap<string, ImagePlan>> {
  const { compose, engine } = view.ports;
  const fetched = new Set(replacedServices(project, options.services));
  const made = replacedServices(project, known.liveRelease === null ? [] : options.services);
  const sourceOf = async (service: string, reference: string): Promise<ImageSource> => {
    if (fetched.has(service)) return compose.imageSource(project, service, options);
    return (await engine.image(reference)) === null ? 'missing' : 'here';
  };
  const images = made.map(async (service): Promise<[string, ImagePlan]> => {
    const reference = project.services[service]?.image ?? '';
    return [service, { reference, source: await sourceOf(service, reference) }];
  });
  return new Map(await Promise.all(images));
}

function sharedOf(project: Project, observed: Observed): readonly SharedPlan[] {
  const shared = Object.values(project.services).filter((s) => s.placement === 'shared' && s.replicas > 0);
  const jobs = jobsOf(project);
  return shared.map(({ name: service }) => ({
    service,
    why: project.facts[service]?.role ?? '',
    starts: !isUp(observed, service, jobs.has(service)),
  }));
}

async function proxyOf({ view, project, known }: Planning, stages: readonly Stage[]): Promise<ProxyPlan> {
  const { driver } = project.proxy;
  const { router } = known.observed;
  const turns = turnsOf(stages).map(({ routes }) => routes);
  const now = router.kind === 'routes' ? router.routes : null;
  const before = now === null ? null : readableRoutes(now);
  const after = readableRoutes(turns.at(-1) ?? now ?? []);
  const reload = driver === 'none' || turns.length === 0 ? false : await view.router.reloads(turns);
  const reason = router.kind === 'routes' ? null : router.reason;
  return { driver, before, after, diff: routeDiff(before ?? [], after), reload, reason };
}

/** A deploy ends first what an earlier command left, and waits for who is at work. */
async function notesOf({ view, project, options, known }: Planning): Promise<readonly string[]> {
  const holder = await view.ports.store.holder();
  const last = known.records.at(-1);
  const busy = holder === null ? [] : [`${holder.who} is at work on this project: ${holder.verb}`];
  if (last === undefined || isFinished(last)) return busy;
  const name = `${last.verb} of ${last.candidate.version ?? 'an unknown version'}`;
  const isWanted = await wanted(view.ports, project, options)(last.candidate, last.stable);
  const goesOn = isWanted && !last.aborted ? 'a deploy goes on with it' : 'a deploy ends it first, and plans anew then';
  return [...busy, `the ${name} is not over (${last.state}): ${goesOn}`];
}

/** What a deploy cannot mend: it ends where it asks the proxy, before anything is started. */
function proxyNotes({ router }: Observed): readonly string[] {
  if (router.kind === 'routes' || router.code !== 'proxy-not-wired') return [];
  return [`a deploy writes the proxy’s files and is refused then: ${router.reason}; ${router.cure ?? ''}`];
}

/** What is not here and fetched by nobody; and an image that is here and fetched all the same may come as another one. */
function imageNotes(services: readonly ServicePlan[], release: Release): readonly string[] {
  const missing = services.flatMap(({ service, image }) =>
    image?.source === 'missing' ? [`the image ${image.reference} of ${service} is missing: a deploy is refused`] : [],
  );
  const open = anew(services, release);
  if (open.length === 0) return missing;
  return [...missing, `the images of ${open.join(', ')} are pulled or built first: another one makes another plan`];
}

/** Services whose image is here, and fetched all the same. */
function anew(services: readonly ServicePlan[], release: Release): readonly string[] {
  const open = services.filter((each) => isFetched(each.image) && release.services[each.service]?.imageId !== NOT_HERE);
  return open.map(({ service }) => service);
}
