import { describe, expect, it } from 'vitest';
import { disagreements, type Services } from '../../src/core/disagreements.ts';
import type { Observed, ObservedContainer, RouterReading } from '../../src/core/observed.ts';
import { release, service, side } from '../support/specs.ts';
import { World } from '../support/simulator.ts';

const v1 = release('v1', [service('web')]);
const SERVICES = { replaced: ['web'], shared: ['db', 'proxy'], proxy: 'proxy', hostProxy: false };

/** v1 serves from blue, as everything says, and the shared services run unless given otherwise. */
function found(
  router?: RouterReading,
  shared: Readonly<Record<string, Partial<ObservedContainer>>> = {},
  services: Services = SERVICES,
) {
  const world = new World({});
  world.seed(side(v1, 'blue'));
  const seen = world.observed();
  const [like] = seen.containers;
  if (like === undefined) throw new Error('the world is empty');
  const plain = SERVICES.shared
    .filter((name) => shared[name] !== undefined || Object.keys(shared).length === 0)
    .map((name): ObservedContainer => ({ ...like, id: name, name, service: name, color: null, ...shared[name] }));
  const observed: Observed = {
    ...seen,
    color: 'blue',
    router: router ?? seen.router,
    containers: [...seen.containers, ...plain],
  };
  const live = { kind: 'color', color: 'blue' } as const;
  const tags = Object.values(v1.services).map(({ pinnedImage }) => pinnedImage);
  const stored = { records: [], releases: [v1], store: 'store', tags, faults: [] };
  return disagreements({ observed, live, liveRelease: v1, ...stored }, services, false);
}

describe('what does not fit together', () => {
  it('is nothing while the color, the proxy and the shared services are as they should be', () => {
    expect(found()).toEqual([]);
  });

  it('names a shared service that is gone with the command that starts it', () => {
    expect(found(undefined, { proxy: {} })).toEqual([
      { what: 'the shared service db does not run', remedy: 'docker compose up -d --no-deps db' },
    ]);
  });

  it('does not miss a shared service that has done its work', () => {
    expect(found(undefined, { proxy: {}, db: { state: 'exited', exitCode: 0 } })).toEqual([]);
    expect(found(undefined, { proxy: {}, db: { state: 'exited', exitCode: 1 } })).toHaveLength(1);
  });

  it('misses a proxy that was stopped in good order', () => {
    expect(found(undefined, { proxy: { state: 'exited', exitCode: 0 }, db: {} })).toEqual([
      { what: 'the shared service proxy does not run', remedy: 'docker compose up -d --no-deps proxy' },
    ]);
  });

  it('names requests that the version which serves does not get', () => {
    const wrong = { service: 'web', host: null, path: null, backends: [] };
    for (const routes of [[], [wrong]])
      expect(found({ kind: 'routes', routes, parts: null })).toEqual([
        { what: 'the proxy sends 0 % of the requests of web to v1', remedy: 'docker-deploy-bg cleanup', part: 'proxy' },
      ]);
  });

  it('names a proxy that runs and does not answer, with its words', () => {
    expect(found({ kind: 'unreadable', reason: 'Caddy is silent' })).toEqual([
      { what: 'Caddy is silent', remedy: 'docker compose restart proxy' },
    ]);
  });

  it('leaves a proxy that has not loaded its files to what those files say: it needs no restart', () => {
    expect(found({ kind: 'unreadable', reason: 'not loaded', isUnsettled: true })).toEqual([]);
  });

  it('names a proxy on the host that does not answer, which no container tells of', () => {
    const remedy = 'nginx -t, then systemctl start nginx, or systemctl reload nginx if it runs';
    const onHost = { ...SERVICES, shared: [], proxy: null, hostProxy: true };
    expect(found({ kind: 'unreadable', reason: 'nginx is silent' }, {}, onHost)).toEqual([
      { what: 'nginx is silent', remedy },
    ]);
  });
});
