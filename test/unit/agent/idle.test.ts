import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Metrics } from '../../../src/agent/metrics.ts';
import { nothingToDo } from '../../../src/app/outcome.ts';
import type { Clock, Ports } from '../../../src/app/ports.ts';
import { tend } from '../../../src/app/tend.ts';
import { Host } from '../../support/host.ts';
import { service } from '../../support/specs.ts';

const HOUR_MS = 3_600_000;
const WARM_MS = HOUR_MS;
/** A day in `scripts/test --long`. */
const IDLE_MS = (process.env['DEPLOY_BG_TEST_LONG'] === '1' ? 24 : 5) * HOUR_MS;
const SERVICES = 20;

let host: Host;
beforeEach(async () => {
  host = await Host.create(() => Array.from({ length: SERVICES }, (_, n) => service(`web-${String(n)}`)));
});
afterEach(() => host.dispose());

/** Time that passes as soon as somebody waits for it. */
class Jumping implements Clock {
  #now: number;

  constructor(now: number) {
    this.#now = now;
  }

  readonly now = (): number => this.#now;

  readonly wait = async (ms: number, signal?: AbortSignal): Promise<void> => {
    await setImmediate();
    if (signal?.aborted !== true) this.#now += ms;
  };
}

/** Bytes that live after everything else was collected. */
function heap(): number {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
  return process.memoryUsage().heapUsed;
}

interface Measured {
  readonly heap: number;
  readonly journal: number;
  readonly handles: number;
}

async function measured(): Promise<Measured> {
  return {
    heap: heap(),
    journal: (await stat(join(host.folder, '.deploy-bg', 'journal.ndjson'))).size,
    handles: process.getActiveResourcesInfo().length,
  };
}

/** Works until so much simulated time has passed, and measures twice: when it is warm, and at the end. */
async function idles(work: (ports: Ports, signal: AbortSignal) => Promise<void>): Promise<[Measured, Measured]> {
  const ended = new AbortController();
  const clock = new Jumping(host.clock.now());
  const began = clock.now();
  const taken: Measured[] = [];
  const watched: Clock = {
    now: clock.now,
    wait: async (ms, signal) => {
      await clock.wait(ms, signal);
      if (clock.now() > began + WARM_MS && taken.length === 0) taken.push(await measured());
      if (clock.now() > began + IDLE_MS) ended.abort();
    },
  };
  const terminal = host.run('agent', async (ports) => {
    await work({ ...ports, clock: watched }, ended.signal);
    return nothingToDo(null, null, 'gone');
  });
  await terminal.ended;
  const [warm] = taken;
  if (warm === undefined) throw new Error('it ended before it was warm');
  return [warm, await measured()];
}

describe('hours without a deploy', { timeout: 200_000 }, () => {
  const silent = {
    looked: () => undefined,
    took: () => undefined,
    left: () => undefined,
    rests: () => undefined,
    restarted: () => undefined,
    followed: () => undefined,
    failed: (error: unknown) => {
      throw error;
    },
  };

  it.each([
    ['tending', (ports: Ports, signal: AbortSignal) => tend(ports, silent, signal)],
    ['counting', (ports: Ports, signal: AbortSignal) => new Metrics().follow(ports, signal)],
  ])('of %s leaves nothing behind', async (_, work) => {
    expect(await host.deploy('v1')).toMatchObject({ exit: 0 });
    const [warm, end] = await idles(work);
    expect(end.journal).toBe(warm.journal);
    expect(end.handles).toBeLessThanOrEqual(warm.handles);
    expect(end.heap - warm.heap).toBeLessThan(1_000_000);
  });
});
