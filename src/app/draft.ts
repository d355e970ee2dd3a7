import { compile, type CompileInput } from '../core/compile.ts';
import { DeployError } from '../core/errors.ts';
import { newRecord } from '../core/new-record.ts';
import { dependencyOrder, requiredByNobody } from '../core/order.ts';
import { jobsOf, type Project } from '../core/project.ts';
import type { RolloutRecord } from '../core/record.ts';
import { type Release, sameDefinition } from '../core/release.ts';
import type { Ports } from './ports.ts';
import type { Known } from './state.ts';

/** What a deploy is drafted from. */
export interface DraftOptions {
  readonly version: string;
  /** Services to replace; empty means all. */
  readonly services: readonly string[];
  readonly force: boolean;
}

export interface DraftInput {
  readonly project: Project;
  readonly options: DraftOptions;
  readonly known: Known;
  readonly release: Release;
}

/** A deploy before anybody has accepted it. */
export interface Draft {
  readonly input: CompileInput;
  /** Null if nothing has to be done. */
  readonly record: RolloutRecord | null;
}

/**
 * What it takes for a release to serve: what a plan shows is what a deploy accepts.
 * @throws nothing-depends-on-version
 */
export function draft(ports: Pick<Ports, 'ids' | 'clock' | 'times'>, asked: DraftInput): Draft {
  const { project, options, known, release } = asked;
  refuseNoChange(project, release, known.liveRelease, options);
  const specs = Object.values(project.services).filter((s) => s.placement === 'shared' && s.replicas > 0);
  const shared = dependencyOrder(specs);
  const spared = requiredByNobody(Object.values(project.services));
  const optional = shared.filter((name) => spared.has(name));
  const ending = jobsOf(project);
  const jobs = shared.filter((name) => ending.has(name));
  const { live, liveRelease, observed, records } = known;
  const { force, services } = options;
  const seen = { live, liveRelease, observed, records };
  const input: CompileInput = { verb: 'deploy', release, ...seen, shared, optional, jobs, force, asked: services };
  const compiled = compile(input);
  if (compiled.kind === 'nothing') return { input, record: null };
  const { ids, clock, times } = ports;
  const about = { id: ids.rollout(), verb: 'deploy', project: project.name, now: clock.now(), times } as const;
  return { input, record: newRecord(compiled, about) };
}

/** A version that nothing depends on cannot be deployed; saying "done" would be a lie. */
function refuseNoChange(project: Project, release: Release, live: Release | null, options: DraftOptions): void {
  if (live === null && Object.keys(release.services).length === 0)
    throw new DeployError('nothing-depends-on-version', {
      what: `${options.version} cannot be deployed: no service of the compose files depends on the version`,
    });
  if (project.dependsOnVersion || live === null || options.force || live.version === options.version) return;
  if (!sameDefinition(release, live)) return;
  throw new DeployError('nothing-depends-on-version', {
    what: `${options.version} changes nothing: no service depends on the version, and no image is another one`,
    serves: `${live.version} serves all traffic`,
  });
}
