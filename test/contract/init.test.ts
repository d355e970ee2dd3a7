import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { isMap, isScalar, parseDocument, visit } from 'yaml';
import { becomes, initialized, type Initialized, type InitOptions, SHAPES, tableOf } from '../support/init.ts';

/** What `init` makes of a shape that people publish. */
interface Expected {
  readonly options?: InitOptions;
  /** The services that a deploy replaces afterwards, and how. */
  readonly becomes?: string;
  /** Of what is left to a person. */
  readonly byHand?: string;
  /** Of the refusal. */
  readonly refused?: string;
}

const EXPECTED: Readonly<Record<string, Expected>> = {
  'api-in-the-code': {
    becomes: 'labels: rolling in place; shopfront: blue-green, port 3000; stock: blue-green',
  },
  'caddy-answers-itself': { becomes: 'web: blue-green, port 3000', byHand: 'stands beside respond' },
  'caddy-docker-proxy': { becomes: 'wiki: rolling in place' },
  'caddy-files-and-api': { becomes: 'api: blue-green, port 8080' },
  'caddy-options': { becomes: 'web: blue-green, port 3000' },
  'caddy-without-braces': { becomes: 'blog: blue-green, port 2368' },
  'caddy-variable': { refused: 'where caddy sends its requests cannot be seen' },
  'celery-beat-flower': {
    becomes:
      'beat: rolling in place, the old one stops first; flower: rolling in place, the old one stops first; web: blue-green, port 8000; worker: rolling in place, the old one stops first',
  },
  databases: {
    refused:
      'nothing here is an application of yours: kafka (bitnami/kafka:3.7), minio (minio/minio), postgres (postgres:16), redis (redis:7)',
  },
  'different-tags': {
    refused: 'the images have different versions now: 1.4, 2.0; a deploy gives all that it replaces the same one',
  },
  'django-gunicorn-nginx': { becomes: 'web: blue-green, port 8000' },
  'fixed-address': { refused: 'web has the fixed address 172.30.5.10, which two versions cannot both have' },
  'flask-redis': { becomes: 'web: blue-green, port 5000' },
  'flow-style': { becomes: 'web: blue-green, port 8080' },
  'frontend-asks-api': {
    becomes: 'api: blue-green; archive: rolling in place; front: blue-green, port 3000; mailer: blue-green',
  },
  'game-server': { becomes: 'game: rolling in place, the old one stops first' },
  'ghost-mysql': { becomes: 'ghost: blue-green, port 2368' },
  'gitea-postgres': { becomes: 'server: blue-green, port 3000' },
  haproxy: { refused: 'lb (haproxy:3.0) is what requests come through, and deploys can switch Caddy and nginx only' },
  'home-automation': { becomes: 'homeassistant: rolling in place, the old one stops first' },
  'laravel-fpm': { refused: 'nginx asks php by fastcgi_pass, and deploys switch HTTP only' },
  'media-shelf': {
    refused: 'films and series come from different places, and a deploy gives all that it replaces one version',
  },
  'media-shelf-one-named': {
    options: { services: ['films'] },
    becomes: 'films: rolling in place, the old one stops first',
  },
  'metabase-behind-caddy': { becomes: 'metabase: blue-green, port 3000' },
  migrations: { becomes: 'migrate: once in each deploy; web: blue-green, port 8080' },
  monitoring: {
    refused:
      'nothing here is an application of yours: grafana (grafana/grafana:11.2.0), node-exporter (prom/node-exporter:v1.8.2), prometheus (prom/prometheus:v2.54.0)',
  },
  'next-caddy': { becomes: 'app: blue-green, port 3000' },
  'nginx-in-its-image': { refused: 'nginx has its configuration in its image, or where it cannot be seen from here' },
  'nginx-proxy': { becomes: 'forum: rolling in place' },
  'nginx-strips-prefix': { becomes: 'backend: blue-green, port 5000 at /api' },
  'nginx-template': { becomes: 'web: blue-green, port 3000' },
  'nginx-variables': { refused: 'where nginx sends its requests cannot be seen' },
  'nginx-virtual-hosts': {
    becomes: 'admin: blue-green, port 3000 at admin.harbor.example; site: blue-green, port 3000 at harbor.example',
  },
  'nginx-websockets': { becomes: 'chat: blue-green, port 4000', byHand: 'says proxy_read_timeout 1d' },
  'node-postgres': { becomes: 'web: blue-green, port 3000' },
  'node-postgres-nginx-wanted': { options: { proxy: 'nginx' }, becomes: 'web: blue-green, port 3000' },
  'old-nginx': { becomes: 'web: blue-green, port 3000' },
  openresty: {
    refused:
      'gateway (openresty/openresty:alpine) is what requests come through, and deploys can switch Caddy and nginx only',
  },
  'override-of-developers': { becomes: 'web: blue-green, port 3000' },
  'pinned-by-digest': { refused: 'no image of api can be given a version' },
  'rails-sidekiq-nginx': { becomes: 'app: blue-green, port 3000; sidekiq: rolling in place' },
  ready: { becomes: 'web: blue-green, port 3000; worker: rolling in place' },
  'service-as-anchor': {
    refused:
      'what is written for web would hold for others as well: it is an anchor that they take over, or stands in another file',
  },
  'several-behind-nginx': {
    becomes:
      'cart: blue-green, port 8080 at /cart; search: blue-green, port 8080 at /search; shop: blue-green, port 8080',
  },
  'spa-api-caddy': { becomes: 'api: blue-green, port 4000 at /api; frontend: blue-green, port 80' },
  'swarm-rollback': { refused: 'nothing was written, for there is more to be decided' },
  'tag-variable': { becomes: 'api: blue-green, port 3000; jobs: rolling in place' },
  traefik: { becomes: 'web: rolling in place' },
  'two-ports-no-proxy': {
    becomes: 'api: blue-green, port 80 at api.localhost; web: blue-green, port 3000 at web.localhost',
  },
  'two-variables': {
    refused: 'the images have their versions from API_TAG and JOBS_TAG, and a deploy sets one variable',
  },
  'uptime-dashboard': { becomes: 'uptime: rolling in place, the old one stops first' },
  wordpress: { becomes: 'wordpress: blue-green, port 80' },
  'worker-rabbitmq': { becomes: 'worker: rolling in place' },
};

const results = new Map<string, Promise<Initialized>>();

/** Each is done once, whoever asks. */
function resultOf(shape: string): Promise<Initialized> {
  const result = results.get(shape) ?? initialized(shape, EXPECTED[shape]?.options);
  results.set(shape, result);
  return result;
}

const names = Object.keys(EXPECTED);
const accepted = names.filter((name) => EXPECTED[name]?.refused === undefined);

/** Comments of a file, in their order. */
function comments(text: string): readonly string[] {
  return [...text.matchAll(/(?:^|\s)(#[^\n]*)/g)].map(([, comment = '']) => comment);
}

/** `services.web` and its like: where each key stands. */
function keys(text: string): readonly string[] {
  const found: string[] = [];
  visit(parseDocument(text), {
    Pair: (_, { key }, ancestors) => {
      const depth = ancestors.filter(isMap).length;
      if (isScalar(key)) found.push(`${String(depth)} ${String(key.value)}`);
    },
  });
  return found;
}

/** As much of a list as stands in another one, in the same order. */
function common(some: readonly string[], others: readonly string[]): readonly string[] {
  let found = 0;
  for (const each of others) if (each === some[found]) found += 1;
  return some.slice(0, found);
}

describe('init on what people publish', () => {
  it.concurrent.each(names)('%s: what it becomes, or why not', async (shape) => {
    const { project, proposal, error } = await resultOf(shape);
    const wanted = EXPECTED[shape];
    if (wanted?.refused !== undefined) {
      expect(error?.what).toContain(wanted.refused);
      expect(error?.next).not.toBe('');
      return;
    }
    expect({ error, becomes: project === null ? null : becomes(project) }).toEqual({
      error: null,
      becomes: wanted?.becomes,
    });
    expect(project?.dependsOnVersion).toBe(true);
    expect((proposal?.byHand ?? []).join()).toContain(wanted?.byHand ?? '');
    expect(proposal?.byHand).toHaveLength(wanted?.byHand === undefined ? 0 : 1);
  });

  it.concurrent.each(names.filter((name) => !accepted.includes(name)))(
    '%s: a refusal writes nothing',
    async (shape) => {
      expect((await resultOf(shape)).files).toEqual({});
    },
  );

  it.concurrent.each(accepted)('%s: a second time there is nothing to do', async (shape) => {
    expect((await resultOf(shape)).again).toMatchObject({ changes: [], files: [] });
  });

  it.concurrent.each(accepted)('%s: comments and order of what people wrote stay', async (shape) => {
    const { files } = await resultOf(shape);
    for (const [name, { before, after }] of Object.entries(files)) {
      if (before === null) continue;
      expect(common(comments(before), comments(after)), name).toEqual(comments(before));
      if (!name.endsWith('.yml')) continue;
      // Ports are what is taken away.
      const kept = keys(before).filter((key) => !key.endsWith(' ports'));
      expect(common(kept, keys(after)), name).toEqual(kept);
    }
  });

  it('what is there already is not touched', async () => {
    expect((await resultOf('ready')).files).toEqual({});
  });

  it('each shape is in the table, of which there are enough', () => {
    expect(readdirSync(SHAPES).toSorted()).toEqual(names.toSorted());
    expect(names.length).toBeGreaterThanOrEqual(30);
  });

  it('the table of the documentation is this one (write it anew with: vitest -u)', async () => {
    const rows = await Promise.all(names.map(async (name) => ({ name, result: await resultOf(name) })));
    await expect(await tableOf(rows)).toMatchFileSnapshot(join(import.meta.dirname, '../../docs/init.md'));
  });
});
