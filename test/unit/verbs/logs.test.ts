import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { logs, type LogsOptions, type LogView } from '../../../src/app/logs.ts';
import { nothingToDo } from '../../../src/app/outcome.ts';
import type { ContainerLine, Engine, Ports } from '../../../src/app/ports.ts';
import { Host } from '../../support/host.ts';
import { service } from '../../support/specs.ts';

let host: Host;
beforeEach(async () => {
  host = await Host.create(() => [service('web')]);
});
afterEach(() => host.dispose());

const PLAIN: LogsOptions = { version: null, services: [], tail: 'all', since: null, follow: false };

/** The nth line of somebody, in the nth second. */
function line(n: number, text: string): ContainerLine {
  return { at: n * 1000, stamp: `2026-01-01T00:00:${String(n).padStart(2, '0')}.000000000Z`, text };
}

/** What a command is told until enough has come, where containers wrote this so far and write that later, by version. */
async function told(
  options: Partial<LogsOptions>,
  enough: number,
  wrote: (version: string | null) => readonly ContainerLine[],
  writes: (version: string | null) => readonly ContainerLine[] = () => [],
): Promise<readonly LogView[]> {
  const views: LogView[] = [];
  const ended = new AbortController();
  const by = (id: string): string | null => host.world.containers.find((c) => c.id === id)?.version ?? null;
  const engineOf = ({ engine }: Ports): Engine => ({
    ...engine,
    lastLines: (id) => Promise.resolve(wrote(by(id))),
    followedLines: async function* (id) {
      yield* await Promise.resolve(writes(by(id)));
    },
  });
  const reading = host.run('anna', async (ports) => {
    const told = logs({ ...ports, engine: engineOf(ports) }, { ...PLAIN, ...options }, ended.signal);
    for await (const view of told) {
      views.push(view);
      if (views.length >= enough) ended.abort();
    }
    return nothingToDo(null, null, 'read');
  });
  const { error } = await reading.ended;
  if (error !== null) throw error;
  return views;
}

describe('logs', () => {
  beforeEach(async () => {
    host.services = () => [service('web', { replicas: 1, promote: 'manual' })];
    await host.deploy('v1');
    await host.deploy('v2');
  });

  it('of all versions are shown by their time, with whose they are', async () => {
    const views = await told({}, 3, (version) => (version === 'v1' ? [line(1, 'a'), line(3, 'c')] : [line(2, 'b')]));
    expect(views.map(({ version, color, text }) => [version, color, text].join(' '))).toEqual([
      'v1 blue a',
      'v2 green b',
      'v1 blue c',
    ]);
  });

  it('of one version leave the others out', async () => {
    const views = await told({ version: 'v2' }, 1, (version) => [line(1, String(version))]);
    expect(views.map(({ text }) => text)).toEqual(['v2']);
  });

  it('of a version that nobody runs any more went with its containers', async () => {
    await expect(told({ version: 'v0', services: ['web'] }, 1, () => [])).rejects.toMatchObject({
      code: 'not-possible',
      message: 'no container of web v0 is there, and logs go with their containers',
    });
    expect(await told({ version: 'v2' }, 1, () => [])).toEqual([]);
  });

  it('that are followed begin where those so far ended, and nothing is shown twice', async () => {
    const all = [line(1, 'a'), line(2, 'b'), line(3, 'c')];
    const views = await told(
      { follow: true, version: 'v2' },
      3,
      () => all.slice(0, 2),
      () => all.slice(1),
    );
    expect(views.map(({ text }) => text)).toEqual(['a', 'b', 'c']);
  });

  it('that are followed go on with containers that come', async () => {
    const deployed = told(
      { follow: true },
      1,
      () => [],
      (version) => (version === 'v3' ? [line(9, 'new')] : []),
    );
    await host.deploy('v3', { supersede: true });
    expect((await deployed).map(({ version, text }) => `${String(version)} ${text}`)).toEqual(['v3 new']);
  });
});
