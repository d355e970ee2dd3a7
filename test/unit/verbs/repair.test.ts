import { appendFile, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { cleanup, type CleanupResult } from '../../../src/app/cleanup.ts';
import { status } from '../../../src/app/status.ts';
import type { StatusView } from '../../../src/app/status-view.ts';
import { PLAIN_STYLE } from '../../../src/cli/style.ts';
import { statusView } from '../../../src/cli/views/status.ts';
import type { ObservedContainer } from '../../../src/core/observed.ts';
import { leftovers } from '../../../src/core/leftovers.ts';
import { liveRoutes } from '../../../src/core/live-routes.ts';
import { Host } from '../../support/host.ts';
import { HALF_CANARY, release, service, side } from '../../support/specs.ts';
import { World } from '../../support/simulator.ts';

let host: Host;

/** v2 serves on green, and v1 can be gone back to. */
beforeEach(async () => {
  host = await Host.create(() => [service('web')]);
  for (const version of ['v1', 'v2']) expect(await host.deploy(version)).toMatchObject({ exit: 0 });
});
afterEach(() => host.dispose());

const state = (...names: string[]): string => join(host.folder, '.deploy-bg', ...names);

/** Adds what is like a live container but for what is given. */
function another(over: Partial<ObservedContainer>): void {
  const [like] = host.world.containers;
  if (like !== undefined) host.world.containers.push({ ...like, id: 'other', name: 'other', number: 9, ...over });
}

function change(over: Partial<ObservedContainer>): void {
  const [first] = host.world.containers;
  if (first !== undefined) host.world.containers.splice(0, 1, { ...first, ...over });
}

function routeTo(...names: string[]): void {
  const backends = names.map((container) => ({ container, port: 3000, weight: 1 }));
  host.world.routes = host.world.routes.map((route) => ({ ...route, backends }));
}

async function look(): Promise<StatusView> {
  const { ports } = host.run('ben', () => Promise.reject(new Error('not run')).catch(() => ({ exit: 0 }) as never));
  return status(ports, { version: null });
}

async function clean(dryRun = false): Promise<CleanupResult> {
  const results: CleanupResult[] = [];
  const { ended } = host.run('ben', async (ports, signal) => {
    results.push(await cleanup(ports, { dryRun }, signal));
    return { exit: 0 } as never;
  });
  const { error } = await ended;
  if (error !== null) throw error;
  return results[0] as CleanupResult;
}

/** Who gets requests, by name. */
function serving(): readonly string[] {
  return host.world.routes.flatMap(({ backends }) => backends.map(({ container }) => container)).toSorted();
}

const LIVE = ['shop-green-web-1', 'shop-green-web-2'];

interface Case {
  readonly what: string;
  readonly breakIt: () => unknown;
  /** What `status` says. */
  readonly says: RegExp;
  /** What `cleanup` does about it: `kind name`; nothing if another command settles it, which `status` names. */
  readonly does: readonly string[];
  readonly remedy?: RegExp;
}

const CASES: readonly Case[] = [
  {
    what: 'the color file says another color',
    breakIt: () => host.store().setColor('blue'),
    says: /\.deployment-color says blue, but green serves/,
    does: ['file .deployment-color'],
  },
  {
    what: 'the color file is gone',
    breakIt: () => rm(join(host.folder, '.deployment-color')),
    says: /\.deployment-color says nothing, but green serves/,
    does: ['file .deployment-color'],
  },
  {
    what: 'the proxy serves another color than the last rollout left',
    breakIt: () => {
      for (const name of ['shop-blue-web-8', 'shop-blue-web-9']) another({ id: name, name, color: 'blue' });
      routeTo('shop-blue-web-8', 'shop-blue-web-9');
    },
    says: /the last rollout left v2 on green, but blue serves/,
    does: ['file .deployment-color'],
    remedy: /^docker-deploy-bg deploy v2 --force$/,
  },
  {
    what: 'a replica is gone',
    breakIt: () => {
      host.world.containers.pop();
      routeTo(LIVE[0] ?? '');
    },
    says: /web: 1 of 2 replicas run/,
    does: [],
    remedy: /^docker-deploy-bg deploy v2$/,
  },
  {
    what: 'a replica has ended',
    breakIt: () => {
      change({ state: 'exited', exitCode: 1 });
    },
    says: /the proxy sends traffic to shop-green-web-1, which does not run/,
    does: ['proxy'],
  },
  {
    what: 'an ended replica stands beside enough of them',
    breakIt: () => {
      another({ state: 'exited', exitCode: 1 });
    },
    says: /container other: exited, beside all replicas of web/,
    does: ['container other'],
  },
  {
    what: 'there are more replicas than wanted',
    breakIt: () => {
      another({});
    },
    says: /web: 3 replicas run, and 2 are wanted/,
    does: [],
    remedy: /^docker-deploy-bg deploy v2$/,
  },
  {
    what: 'a container of an unknown release is among those that serve',
    breakIt: () => {
      change({ release: 'r-unknown' });
    },
    says: /shop-green-web-1 is of release r-unknown, but green serves id-/,
    does: [],
    remedy: /^docker-deploy-bg deploy v2 --force$/,
  },
  {
    what: 'the release that serves is not in the state folder',
    breakIt: () => rm(state('releases'), { recursive: true }),
    says: /the release that serves on green is not in the state folder/,
    does: [],
    remedy: /^docker-deploy-bg deploy v2$/,
  },
  {
    what: 'containers of the other color are there',
    breakIt: () => {
      another({ color: 'blue', name: 'shop-blue-web-9' });
    },
    says: /container shop-blue-web-9: blue does not serve/,
    does: ['container shop-blue-web-9'],
  },
  {
    what: 'the network of the other color is there',
    breakIt: () => host.world.networks.add('shop-blue'),
    says: /network shop-blue: blue does not serve/,
    does: ['network shop-blue'],
  },
  {
    what: 'a plain copy stands beside the colors',
    breakIt: () => {
      another({ color: null, release: null, store: null, name: 'shop-web-1' });
    },
    says: /shop-web-1 runs beside the colors: other services find it as web/,
    does: ['container shop-web-1'],
  },
  {
    what: 'the proxy routes to what nobody has',
    breakIt: () => {
      routeTo(...LIVE, 'gone');
    },
    says: /the proxy sends traffic to gone, which does not run/,
    does: ['proxy', 'proxy'],
  },
  {
    what: 'the proxy has no route',
    breakIt: () => {
      host.world.routes = [];
    },
    says: /the proxy sends 0 % of the requests of web to v2/,
    does: ['proxy'],
  },
  {
    what: 'the proxy shares requests with the other color',
    breakIt: () => {
      another({ color: 'blue', name: 'shop-blue-web-9' });
      routeTo(...LIVE, 'shop-blue-web-9');
    },
    says: /the proxy sends 66\.7 % of the requests of web to v2/,
    does: ['proxy', 'container shop-blue-web-9'],
  },
  {
    what: 'the proxy’s files were changed by hand',
    breakIt: () => host.faults.push('the proxy’s generated files were changed by hand'),
    says: /files were changed by hand/,
    does: ['proxy'],
  },
  {
    what: 'an image tag of a forgotten release is there',
    breakIt: () => host.tags.add('deploy-bg/shop/web:r-forgotten'),
    says: /image tag deploy-bg\/shop\/web:r-forgotten: its release is gone/,
    does: ['image tag deploy-bg/shop/web:r-forgotten'],
  },
  {
    what: 'an image has lost its tag',
    breakIt: () => {
      host.tags.clear();
    },
    says: /the image of web in v1 has lost its tag/,
    does: [],
    remedy: /^docker tag sha256:app:v1 deploy-bg\/shop\/web:id-/,
  },
  {
    what: 'a release is there that no way back leads to',
    breakIt: () => host.store().saveRelease(release('v0', [], { createdAt: '2020-01-01T00:00:00.000Z' })),
    says: /release r-v0: v0 is not kept for rollback any more/,
    does: ['release r-v0'],
  },
  {
    what: 'a dead process left its lock',
    breakIt: async () => {
      const lock = await host.store().lock({ who: 'dead', verb: 'deploy v3', since: 1 });
      await lock.release();
      const path = state('lock', String(lock.epoch));
      const claim = JSON.parse(await readFile(path, 'utf8')) as object;
      await writeFile(path, JSON.stringify({ ...claim, released: false, beat: 0 }));
    },
    says: /green serves v2/,
    does: [],
  },
  {
    what: 'the last line of the journal is torn',
    breakIt: () => appendFile(state('journal.ndjson'), '{"kind":"event","at":2,"rol'),
    says: /green serves v2/,
    does: [],
  },
];

describe('status names, and cleanup shows and settles exactly that', () => {
  it('nothing, while all is as it should be', async () => {
    expect(await look()).toMatchObject({ leftovers: [], disagreements: [], exit: 0 });
    expect(await clean(true)).toMatchObject({ removed: [], corrected: [] });
    expect(await clean()).toMatchObject({ removed: [], corrected: [] });
    expect(serving()).toEqual(LIVE);
  });

  it.each(CASES)('$what', async ({ breakIt, says, does, remedy }) => {
    await breakIt();
    const before = await look();
    expect(statusView(before, 400, PLAIN_STYLE).join('\n')).toMatch(says);
    if (remedy !== undefined)
      expect([...before.disagreements, ...before.leftovers].map((each) => each.remedy)).toContainEqual(
        expect.stringMatching(remedy),
      );
    const kept = JSON.stringify([host.world.containers, host.world.routes, [...host.tags], await host.store().color()]);

    const shown = await clean(true);
    const items = [...shown.corrected, ...shown.removed].map(({ kind, name }) => `${kind} ${name}`);
    expect(JSON.stringify([host.world.containers, host.world.routes, [...host.tags], await host.store().color()])).toBe(
      kept,
    );

    const routed = new Set(serving());
    const running = host.world.containers.filter(
      (c) => c.color === 'green' && c.state === 'running' && routed.has(c.name),
    );
    const done = await clean();
    const did = [...done.corrected, ...done.removed].map(({ kind, name }) => `${kind} ${name}`);
    expect(did).toHaveLength(does.length);
    does.forEach((each, index) => {
      expect(did[index]).toContain(each);
    });
    // What the proxy sends requests to only goes once the proxy was told better, and is shown then.
    expect(did).toEqual(expect.arrayContaining(items));
    for (const container of running) expect(host.world.containers).toContainEqual(container);

    const after = await look();
    const remedies = [...after.disagreements, ...after.leftovers].map((each) => each.remedy);
    expect(remedies.filter((each) => each.includes('cleanup') || each.startsWith('docker rm'))).toEqual([]);
  });
});

describe('cleanup never takes away', () => {
  it('a canary that waits, nor what it gets', async () => {
    host.services = () => [service('web', HALF_CANARY)];
    expect(await host.deploy('v3')).toMatchObject({ exit: 3 });
    const before = [await host.lastRollout(), serving(), host.world.containers.length];
    expect(await clean()).toMatchObject({ removed: [], corrected: [] });
    expect([await host.lastRollout(), serving(), host.world.containers.length]).toEqual(before);
    routeTo(...LIVE);
    const [weight] = (await look()).disagreements;
    expect(weight?.what).toBe('the proxy sends 0 % of the requests of web to v3, and the rollout 50 %');
  });

  it('anything of another checkout: status names it, cleanup refuses', async () => {
    host.world.containers.forEach((container, index) => {
      host.world.containers.splice(index, 1, { ...container, color: 'blue', store: 'elsewhere' });
    });
    another({ color: 'blue', store: 'elsewhere', name: 'shop-blue-web-1' });
    host.storeOfLabels = 'elsewhere';
    expect((await look()).disagreements.map(({ what }) => what).join()).toContain('another checkout');
    expect((await look()).leftovers).toEqual([]);
    for (const dryRun of [true, false]) await expect(clean(dryRun)).rejects.toMatchObject({ code: 'foreign-store' });
  });

  it('what runs in a color while the proxy cannot be asked', () => {
    const [v1, v2] = [release('v1', [service('web')]), release('v2', [service('web')])];
    const world = new World({});
    for (const [of, color] of [
      [v1, 'blue'],
      [v2, 'green'],
    ] as const)
      world.seed(side(of, color));
    const observed = { ...world.observed(), router: { kind: 'unreadable', reason: 'silent' } as const };
    const live = { kind: 'color', color: 'green' } as const;
    const tags = [v1, v2].flatMap(({ services }) => Object.values(services).map(({ pinnedImage }) => pinnedImage));
    const evidence = {
      observed,
      live,
      liveRelease: v2,
      records: [],
      releases: [v1, v2],
      store: 'store',
      tags,
      faults: [],
    };
    const services = { replaced: ['web'], shared: [], proxy: 'proxy', hostProxy: false };
    expect(leftovers(evidence, services, 5)).toEqual([]);
    expect(leftovers(evidence, { ...services, proxy: null, hostProxy: true }, 5)).toEqual([]);
    expect(leftovers({ ...evidence, observed: world.observed() }, services, 5).map(({ kind }) => kind)).toContain(
      'container',
    );
  });

  it('routes for what cannot answer', () => {
    const v1 = release('v1', [service('web')]);
    const world = new World({});
    const live = { kind: 'color', color: 'blue' } as const;
    expect(liveRoutes(world.observed(), live, v1)).toBeNull();
    world.seed(side(v1, 'blue'));
    expect(liveRoutes(world.observed(), live, v1)).toEqual(world.routes);
  });
});

it('a damaged journal is named by both, and nothing is touched', async () => {
  await appendFile(state('journal.ndjson'), 'xx\n');
  await expect(look()).rejects.toMatchObject({ code: 'state-unreadable', exit: 5 });
  await expect(clean()).rejects.toMatchObject({ code: 'state-unreadable' });
  expect(serving()).toEqual(LIVE);
});

it('cleanup says each thing before it does it', async () => {
  another({ color: 'blue', name: 'shop-blue-web-9' });
  const terminal = host.run('ben', async (ports, signal) => {
    await cleanup(ports, { dryRun: false }, signal);
    return { exit: 0 } as never;
  });
  await terminal.ended;
  const texts = terminal.events.flatMap((event) => (event.kind === 'phase' ? [event.text] : []));
  expect(texts).toEqual(['removing container shop-blue-web-9: blue does not serve']);
});

it('a deploy after the state was lost leaves nothing of the releases that were lost', async () => {
  await rm(state(), { recursive: true });
  expect(await look()).toMatchObject({ live: { version: 'v2', color: 'green' }, leftovers: [] });
  expect(await host.deploy('v3')).toMatchObject({ exit: 0 });
  expect(host.tags.size).toBe(1);
  expect(await look()).toMatchObject({ live: { version: 'v3' }, leftovers: [], disagreements: [] });
});
