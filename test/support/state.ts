import { expect } from 'vitest';
import type { LoadOptions } from '../../demo/load/load.ts';
import type { MeasuredEvent } from '../../src/core/check-events.ts';
import type { Color } from '../../src/core/color.ts';
import type { ProgressEvent } from '../../src/core/events.ts';
import { docker, engine, type Run, type TestProject } from './project.ts';
import { storeOf } from './store-of.ts';

export { storeOf } from './store-of.ts';

/** Every request of a person is short: nothing of this load keeps a drain waiting. */
export const LIGHT: Partial<LoadOptions> = {
  kinds: { kept: { concurrency: 4, everyMs: 100 }, fresh: 2, post: 2 },
};

/** Ids of the project's containers, shared services included: equal before and after means that nothing was touched. */
export async function containerIds(project: TestProject): Promise<readonly string[]> {
  return (await project.containers()).map((container) => container.id).sort();
}

/**
 * A version serves, complete and alone: containers, networks, image tags, releases, proxy and status agree on it, and
 * nothing of another one is left over.
 */
export async function expectServesAlone(
  project: TestProject,
  serving: { readonly version: string; readonly color: Color; readonly releases: readonly string[] },
): Promise<void> {
  const { version, color, releases } = serving;
  const status = await project.status();
  expect(status).toMatchObject({ live: { version, color }, leftovers: [], disagreements: [], inFlight: null });
  expect(status.services).toMatchObject([{ name: 'web', color, wanted: 2, running: 2, ready: 2, weight: 100 }]);
  const colored = (await project.containers()).filter(({ service }) => !['proxy', 'deploy-bg-agent'].includes(service));
  expect(colored.map((c) => [c.service, c.color, c.version, c.state])).toEqual(
    Array.from({ length: 2 }, () => ['web', color, version, 'running']),
  );
  const names = [project.name, `${project.name}-blue`, `${project.name}-green`];
  const networks = await engine.composeProjectsWithNetworks(names);
  expect(networks.filter((name) => name !== project.name && name !== `${project.name}-${color}`)).toEqual([]);
  const kept = await storeOf(project).releases();
  expect(kept.map((release) => release.version)).toEqual(releases);
  expect([...(await engine.pinnedTags(project.name))].sort()).toEqual(
    kept.flatMap((release) => Object.values(release.services).map((service) => service.pinnedImage)).sort(),
  );
}

/** The three parts of an error (what happened, what serves, what to do next), with its code, and no stack trace. */
export function expectError(
  run: Pick<Run, 'exit' | 'stderr'>,
  error: { readonly exit: number; readonly code: string },
): void {
  expect(run, run.stderr).toMatchObject({ exit: error.exit });
  expect(unwrapped(run)).toContain(`[${error.code}]`);
  expect(run.stderr).toMatch(/^ {2}serving: +\S/m);
  expect(run.stderr).toMatch(/^ {2}next: +\S/m);
  expect(run.stderr).not.toMatch(/^\s+at .*:\d+:\d+/m);
}

/** What was printed for people, without the line breaks that the width of a terminal needs. */
export function unwrapped({ stderr }: Pick<Run, 'stderr'>): string {
  return stderr.replaceAll(/\s+/g, ' ');
}

/** The versions that answer requests with these headers: forty of them, each on a connection of its own. */
export async function versionsFor(
  project: TestProject,
  headers: Readonly<Record<string, string>>,
): Promise<readonly string[]> {
  const seen = new Set<string>();
  for (let asked = 0; asked < 40; asked += 1) {
    const answer = await fetch(`${project.url}/`, { headers: { connection: 'close', ...headers } });
    seen.add(((await answer.json()) as { version: string }).version);
  }
  return [...seen].sort();
}

/** Environment of the running replicas of a service, one list each. */
export async function environments(project: TestProject): Promise<readonly (readonly string[])[]> {
  const replicas = await project.replicas();
  const infos = await Promise.all(replicas.map(({ id }) => docker.getContainer(id).inspect()));
  return infos.map((info) => info.Config.Env);
}

/** The measurements of a check that a run with `--progress json` told, as they came in. */
export function measurements({ stderr }: Pick<Run, 'stderr'>, check: string): readonly MeasuredEvent[] {
  const events = stderr
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as ProgressEvent);
  return events.filter((event) => event.kind === 'measured').filter((event) => event.check === check);
}
