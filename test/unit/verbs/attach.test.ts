import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { attach } from '../../../src/app/attach.ts';
import { nothingToDo } from '../../../src/app/outcome.ts';
import { steer, type SteerVerb } from '../../../src/app/steer.ts';
import type { ServiceSpec } from '../../../src/core/project.ts';
import { Host, HOST_SECRET, type Terminal } from '../../support/host.ts';
import { config, inPlace } from '../../support/rollouts.ts';
import { script, type WorldOptions } from '../../support/simulator.ts';
import { service } from '../../support/specs.ts';

let host: Host;
afterEach(() => host.dispose());

/** v1 serves in blue; v2 and later ones wait at the gate. */
async function gated(promote: ServiceSpec['promote'], options: WorldOptions = {}): Promise<void> {
  host = await Host.create((version) => [service('web', { promote: version === 'v1' ? 'auto' : promote })], options);
  expect(await host.deploy('v1')).toMatchObject({ exit: 0 });
}

function asking(who: string, verb: SteerVerb): Terminal {
  return host.run(who, (ports, signal) => steer(ports, { verb, timeoutMs: null }, signal));
}

const kinds = ({ events }: Terminal): readonly string[] => [...new Set(events.map(({ kind }) => kind))];
const creates = (): number => host.world.log.filter((line) => line.includes('create')).length;
const atGate = (): Promise<void> => host.untilState('paused');

describe('a deploy of the release that another terminal deploys', () => {
  it('U28 follows that rollout to the same end, and nothing is started again', async () => {
    await gated(20_000);
    const first = host.deploying('anna', 'v2');
    await atGate();
    const before = creates();
    const second = host.deploying('ben', 'v2');
    expect(await Promise.all([first.ended, second.ended])).toMatchObject([{ exit: 0 }, { exit: 0 }]);
    expect(creates()).toBe(before);
    expect((await host.store().rollouts()).map((r) => r.candidate.version)).toEqual(['v1', 'v2']);
    expect(second.events[1]).toMatchObject({
      kind: 'phase',
      text: expect.stringContaining('which anna runs') as string,
    });
    expect(kinds(second)).toEqual(expect.arrayContaining(['rollout-started', 'step-started', 'weight', 'finished']));
    expect(second.events).toContainEqual({
      kind: 'waiting',
      what: 'the time to promote',
      until: expect.any(Number) as number,
    });
  });

  it('U28 begun in the same moment, one deploys and the other follows', async () => {
    await gated(20_000);
    const both = ['anna', 'ben'].map((who) => host.deploying(who, 'v2'));
    expect(await Promise.all(both.map(({ ended }) => ended))).toMatchObject([{ exit: 0 }, { exit: 0 }]);
    expect(await host.store().rollouts()).toHaveLength(2);
  });

  it('U28 ends as badly as the first, with its words and its evidence', async () => {
    await gated(20_000, { scripts: { v2: { '*': script('r1,x15') } } });
    const first = host.deploying('anna', 'v2');
    await atGate();
    const second = host.deploying('ben', 'v2');
    const [one, other] = await Promise.all([first.ended, second.ended]);
    expect(one).toMatchObject({
      exit: 1,
      error: { code: 'rollout-failed', message: expect.stringMatching(/was ready, then exited/) as string },
    });
    expect(other.error?.message).toBe(one.error?.message);
    expect(other.error?.exit).toBe(one.error?.exit);
    expect(other.error?.details).toContain('log: its last words with ***');
    expect(await readFile(join(host.folder, '.deploy-bg', 'journal.ndjson'), 'utf8')).not.toContain(HOST_SECRET);
  });

  it('ends with what it ended with also where it was over before anybody looked', async () => {
    await gated(60_000);
    const first = host.deploying('anna', 'v2');
    await atGate();
    first.interrupt();
    const { exit, error } = await first.ended;
    const record = await host.lastRollout();
    const late = host.run('ben', async (ports, signal) => {
      const outcome = await attach(ports, record, { attach: false }, signal);
      return outcome ?? nothingToDo(null, null, 'nobody runs it');
    });
    expect(await late.ended).toMatchObject({ exit, error: { code: error?.code, message: error?.message } });
  });

  it('U28 ends with 130 where the first was interrupted and went back', async () => {
    await gated(60_000);
    const first = host.deploying('anna', 'v2');
    await atGate();
    const second = host.deploying('ben', 'v2');
    await host.until('ben to follow', () => kinds(second).includes('waiting'));
    first.interrupt();
    expect(await Promise.all([first.ended, second.ended])).toMatchObject([{ exit: 130 }, { exit: 130 }]);
    expect(await host.lastRollout()).toMatchObject({ state: 'rollback_completed' });
  });

  it('X04 Ctrl-C only detaches: the rollout goes on and completes', async () => {
    await gated(20_000);
    const first = host.deploying('anna', 'v2');
    await atGate();
    const second = host.deploying('ben', 'v2');
    await host.until('ben to follow', () => kinds(second).includes('waiting'));
    second.interrupt();
    expect(await second.ended).toMatchObject({
      exit: 130,
      error: { code: 'interrupted', message: 'detached from the deploy of v2, which goes on' },
    });
    expect(await first.ended).toMatchObject({ exit: 0 });
    expect(await host.lastRollout()).toMatchObject({ state: 'completed', aborted: false });
  });

  it('X05 --timeout only detaches as well', async () => {
    await gated(20_000);
    const first = host.deploying('anna', 'v2');
    await atGate();
    expect(await host.deploy('v2', { timeoutMs: 4000 })).toMatchObject({ exit: 124, error: { code: 'timeout' } });
    expect(await first.ended).toMatchObject({ exit: 0 });
  });

  it('U28 goes on in its place when its process goes away without a word', async () => {
    await gated(20_000);
    const first = host.deploying('anna', 'v2');
    await atGate();
    const second = host.deploying('ben', 'v2');
    await host.until('ben to follow', () => kinds(second).includes('waiting'));
    first.cutOff();
    expect(await first.ended).toMatchObject({ exit: 7 });
    expect(await second.ended).toMatchObject({ exit: 0 });
    expect(second.events).toContainEqual(expect.objectContaining({ kind: 'rollout-started', continued: true }));
    expect(creates()).toBe(2);
  });

  it('is not followed if it is of the same name only: the image is another one', async () => {
    await gated(100_000);
    const first = host.deploying('anna', 'v2');
    await atGate();
    host.images.set('app:v2', 'sha256:rebuilt');
    expect(await host.deploy('v2')).toMatchObject({ exit: 5, error: { code: 'locked' } });
    expect(await asking('ben', 'promote').ended).toMatchObject({ exit: 0 });
    expect(await first.ended).toMatchObject({ exit: 0 });
  });
});

describe('a deploy of another version than the one that another terminal deploys', () => {
  it('is told who is at work and since when', async () => {
    await gated(100_000);
    const first = host.deploying('anna', 'v2');
    await atGate();
    const error = {
      code: 'locked',
      message: expect.stringMatching(/^anna is at work .*deploy v2, since 19/) as string,
    };
    expect(await host.deploy('v3')).toMatchObject({ exit: 5, error });
    first.interrupt();
    expect(await first.ended).toMatchObject({ exit: 130 });
  });

  it('with --wait queues until the project is free, then goes on', async () => {
    await gated(80_000);
    const first = host.deploying('anna', 'v2');
    await atGate();
    const second = host.deploying('ben', 'v3', { waitMs: 300_000 });
    await host.until('ben to queue', () => kinds(second).includes('waiting'));
    expect(second.events).toContainEqual({
      kind: 'waiting',
      what: 'anna to end its deploy v2',
      until: expect.any(Number) as number,
    });
    expect(await first.ended).toMatchObject({ exit: 0 });
    await atGate();
    expect(await asking('carl', 'promote').ended).toMatchObject({ exit: 0 });
    expect(await second.ended).toMatchObject({ exit: 0, outcome: { version: 'v3' } });
  });

  it('gives up when it has queued long enough, and says why', async () => {
    await gated(200_000);
    const first = host.deploying('anna', 'v2');
    await atGate();
    expect(await host.deploy('v3', { waitMs: 20_000 })).toMatchObject({ exit: 5, error: { code: 'locked' } });
    const queued = host.deploying('ben', 'v3', { waitMs: 300_000 });
    await host.until('ben to queue', () => kinds(queued).includes('waiting'));
    queued.interrupt();
    expect(await queued.ended).toMatchObject({ exit: 130, error: { code: 'interrupted' } });
    first.interrupt();
    expect(await first.ended).toMatchObject({ exit: 130 });
  });

  it('X10 is refused while the way back is under way, and so is the same release; nothing is changed', async () => {
    await gated(100_000, { stopSeconds: { v2: 0 } });
    const first = host.deploying('anna', 'v2');
    await atGate();
    host.hold();
    first.interrupt();
    await host.untilState('rollback_started');
    for (const version of ['v2', 'v3']) {
      expect(await host.deploy(version)).toMatchObject({ exit: 5, error: { code: 'locked' } });
      expect(await host.deploy(version, { supersede: true })).toMatchObject({ exit: 5 });
    }
    host.release();
    expect(await first.ended).toMatchObject({ exit: 130 });
    expect(await host.store().rollouts()).toHaveLength(2);
  });
});

describe('--attach at a pause that only a person can end', () => {
  it('stays until somebody goes on in another terminal', async () => {
    await gated('manual');
    const staying = host.deploying('anna', 'v2', { attach: true });
    await atGate();
    await host.until('anna to stay', () =>
      staying.events.some(
        (event) => event.kind === 'waiting' && event.what === 'a person to go on' && event.until === null,
      ),
    );
    expect(await asking('ben', 'promote').ended).toMatchObject({ exit: 0 });
    expect(await staying.ended).toMatchObject({ exit: 0 });
  });

  it('C25 sees at once that the candidate dies there', async () => {
    await gated('manual', { scripts: { v2: { '*': script('r1,x20') } } });
    const ended = await host.deploy('v2', { attach: true });
    expect(ended).toMatchObject({
      exit: 1,
      error: { message: expect.stringMatching(/was ready, then exited/) as string },
    });
    expect(await host.lastRollout()).toMatchObject({ state: 'rollback_completed' });
  });

  it('goes back on Ctrl-C, and at a failure pause tries again when asked to', async () => {
    const scripts = { v2: { '*': [script('x1'), script('r1')] } };
    host = await Host.create(() => [inPlace('web', { update: config({ failureAction: 'pause' }) })], { scripts });
    expect(await host.deploy('v1')).toMatchObject({ exit: 0 });
    const staying = host.deploying('anna', 'v2', { attach: true });
    await atGate();
    expect(await asking('ben', 'retry').ended).toMatchObject({ exit: 0 });
    expect(await staying.ended).toMatchObject({ exit: 0 });
    await host.dispose();

    await gated('manual');
    const interrupted = host.deploying('anna', 'v2', { attach: true });
    await atGate();
    interrupted.interrupt();
    expect(await interrupted.ended).toMatchObject({ exit: 130 });
  });

  it('goes back on a Ctrl-C that comes while the engine is looked at', async () => {
    await gated('manual');
    const interrupted = host.deploying('anna', 'v2', { attach: true });
    await atGate();
    host.onLook = interrupted.interrupt;
    expect(await interrupted.ended).toMatchObject({ exit: 130 });
    expect(await host.lastRollout()).toMatchObject({ state: 'rollback_completed' });
  });

  it('is superseded by a deploy of another version, as every paused rollout is', async () => {
    await gated('manual');
    const staying = host.deploying('anna', 'v2', { attach: true });
    await atGate();
    expect(await host.deploy('v3')).toMatchObject({ exit: 3 });
    expect(await staying.ended).toMatchObject({ exit: 6, error: { code: 'superseded' } });
    expect(await host.lastRollout()).toMatchObject({ state: 'paused', candidate: { version: 'v3' } });
  });

  it('is not superseded while it waits for its URL, which needs no person', async () => {
    const until = { url: 'http://x/', method: 'GET', headers: {}, body: null, json: null };
    const canary = { strategy: 'canary', steps: [{ kind: 'pause', ms: null, until }] } as const;
    host = await Host.create((version) => [service('web', version === 'v1' ? {} : canary)]);
    await host.deploy('v1');
    const waiting = host.deploying('anna', 'v2');
    await atGate();
    expect(await host.deploy('v3')).toMatchObject({ exit: 5, error: { code: 'locked' } });
    expect(await host.lastRollout()).toMatchObject({ state: 'paused', candidate: { version: 'v2' } });
    waiting.interrupt();
    expect(await waiting.ended).toMatchObject({ exit: 130 });
  });

  it('takes the watch over from a process that leaves the same rollout paused', async () => {
    await gated('manual');
    expect(await host.deploy('v2')).toMatchObject({ exit: 3, error: { code: 'rollout-paused' } });
    const staying = host.deploying('ben', 'v2', { attach: true });
    await host.until('ben to stay', () => kinds(staying).includes('waiting'));
    expect(await asking('carl', 'promote').ended).toMatchObject({ exit: 0 });
    expect(await staying.ended).toMatchObject({ exit: 0 });
    expect(await host.store().rollouts()).toHaveLength(2);
  });
});
