import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { events, type EventsOptions, type EventView } from '../../../src/app/events.ts';
import { PLAIN_STYLE } from '../../../src/cli/style.ts';
import { eventView } from '../../../src/cli/views/event.ts';
import { Host } from '../../support/host.ts';
import { script } from '../../support/simulator.ts';
import { service } from '../../support/specs.ts';

let host: Host;
beforeEach(async () => {
  host = await Host.create((version) => [service('web', { promote: version === 'v1' ? 'auto' : 'manual' })], {
    scripts: { v3: { '*': script('x1') } },
  });
});
afterEach(() => host.dispose());

/** What the command would print, until it ends or is interrupted. */
async function listed(over: Partial<EventsOptions> = {}, signal = new AbortController().signal): Promise<EventView[]> {
  const views: EventView[] = [];
  const { ports } = host.run('ben', () => Promise.resolve({ exit: 0 } as never));
  for await (const view of events(ports, { rollout: null, since: null, follow: false, ...over }, signal))
    views.push(view);
  return views;
}

const texts = (views: readonly EventView[]): string[] => views.map(({ text }) => text);

describe('events', () => {
  it('is empty before the first deploy', async () => {
    expect(await listed()).toEqual([]);
  });

  it('tells a rollout from its acceptance to its end', async () => {
    await host.deploy('v1');
    const views = await listed();
    expect(views.every(({ rollout }) => rollout === views[0]?.rollout)).toBe(true);
    expect(views[0]).toMatchObject({ verb: 'deploy', from: null, to: 'v1', kind: 'accepted', state: 'pending' });
    expect(texts(views)).toEqual(
      expect.arrayContaining([
        expect.stringMatching(/^accepted: v1 \(blue\), \d+ steps$/),
        'begins',
        expect.stringMatching(/^\[\d+\/\d+\] create web ×2 \(candidate\): done in /),
        'web: c1 is ready',
        '100 % of the traffic to v1 (blue)',
        'completed: v1 (blue) serves all traffic',
      ]),
    );
  });

  it('tells pauses, failures and ways back, and how the command ended', async () => {
    await host.deploy('v1');
    await host.deploy('v2');
    await host.deploy('v3');
    const all = texts(await listed());
    expect(all).toContain('paused: waits for a person to promote');
    expect(all).toContain('its command ended: rollout-paused');
    expect(all).toContain('asked to make room for a later deploy');
    expect(all).toContain('superseded');
    expect(all).toContainEqual(expect.stringMatching(/^shop-green-web-1 failed: exited with code 1/));
    expect(all).toContainEqual(expect.stringMatching(/^going back: shop-green-web-1: exited/));
    expect(all).toContain('rolled back: v1 (blue) serves all traffic');
  });

  it('of one rollout, and since a moment', async () => {
    await host.deploy('v1');
    const between = host.clock.now();
    await host.deploy('v2');
    const second = await host.lastRollout();
    const own = await listed({ rollout: second.id });
    expect(own.map(({ to }) => to)).toEqual(own.map(() => 'v2'));
    expect(await listed({ since: between })).toEqual(own);
    await expect(listed({ rollout: 'r-9' })).rejects.toMatchObject({ code: 'not-possible', exit: 5 });
  });

  it('followed, goes on with what comes, until it is interrupted', async () => {
    await host.deploy('v1');
    const stop = new AbortController();
    const following = listed({ follow: true }, stop.signal);
    await host.deploy('v2');
    await host.clock.wait(2000);
    stop.abort();
    expect(texts(await following)).toEqual(texts(await listed()));
  });

  it('tells a folded journal once', async () => {
    await host.deploy('v1');
    const record = await host.lastRollout();
    await host.store().append({ kind: 'accepted', at: host.clock.now(), record });
    expect((await listed()).filter(({ kind }) => kind === 'accepted')).toHaveLength(1);
  });

  it('is a line each for people', () => {
    const at = new Date(2026, 0, 2, 14, 3, 7).getTime();
    const view = {
      at,
      rollout: 'd-7',
      verb: 'deploy',
      from: 'v1',
      to: 'v2',
      kind: 'state',
      state: 'updating',
    } as const;
    expect(eventView({ ...view, text: 'begins' }, PLAIN_STYLE)).toBe('2026-01-02 14:03:07  d-7  deploy v2  begins');
  });
});
