import { readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { planOf, WILD, type Said, type WildOptions } from '../support/wild.ts';

/** Compose files as people have them, and what `deploy v2 --dry-run` says of each. */
interface Expected {
  readonly code: string;
  readonly words: readonly string[];
}

/**
 * The first line: what becomes of each service, and the codes of the warnings. The others: the steps, where
 * `docker compose up -d` runs all of the file today.
 */
const planned = (text: string): Expected => ({ code: 'planned', words: text.trim().split(/\n */) });

/** A refusal that has these words. */
const refused = (code: string, ...words: string[]): Expected => ({ code, words });

const OPTIONS: Readonly<Record<string, WildOptions>> = {
  'several-files': { files: ['compose.yml', 'compose.prod.yml'] },
};

const EXPECTED: Readonly<Record<string, Expected>> = {
  'web-db-redis': planned(`
    db: shared; redis: shared; web: in-place, rolling
    shared services healthy: db, redis
    create web ×1 (candidate)
    ready: web (candidate)
    shrink web to 0 (stable)
    monitor web (candidate)
    complete`),
  worker: planned(`
    queue: shared; worker: in-place, rolling
    shared services healthy: queue
    create worker ×1 (candidate)
    ready: worker (candidate)
    shrink worker to 0 (stable)
    monitor worker (candidate)
    complete`),
  'published-port': refused('invalid-config', 'published-port.yml:6: E06 app publishes port 3000', 'order: stop-first'),
  'published-port-stop-first': planned(`
    app: in-place, rolling
    shrink app to 0 (stable)
    create app ×1 (candidate)
    ready: app (candidate)
    monitor app (candidate)
    complete`),
  'build-args': planned(`
    api: in-place, rolling; db: shared
    shared services healthy: db
    create api ×1 (candidate)
    ready: api (candidate)
    shrink api to 0 (stable)
    monitor api (candidate)
    complete`),
  override: refused('invalid-config', 'docker-compose.override.yml:5: E06 web publishes port 8080', 'remove the port'),
  'port-range': planned(`
    game: in-place, rolling ×3
    create game ×1 (candidate)
    ready: game (candidate)
    shrink game to 2 (stable)
    create game ×2 (candidate)
    ready: game (candidate)
    shrink game to 1 (stable)
    create game ×3 (candidate)
    ready: game (candidate)
    shrink game to 0 (stable)
    monitor game (candidate)
    complete`),
  'container-name': refused(
    'invalid-config',
    'container-name.yml:3: E06 web has a container_name',
    'order: stop-first',
  ),
  'container-name-blue-green': planned(`
    caddy: shared; web: colored, blue-green; W02; W10
    clear the color of leftovers
    proxy files in place
    shared services healthy: caddy
    proxy reads our files
    create web ×1 (candidate)
    ready: web (candidate)
    weight 100
    monitor 5 s
    complete
    drain web (stable)
    remove web (stable)`),
  'host-network': refused(
    'invalid-config',
    "host-network.yml:4: E06 homeassistant uses the host's network",
    'order: stop-first',
  ),
  'host-network-recreate': planned(`
    homeassistant: colored, recreate
    clear the color of leftovers
    proxy files in place
    proxy reads our files
    stop homeassistant (stable): nothing serves until the candidate does
    create homeassistant ×1 (candidate)
    ready: homeassistant (candidate)
    weight 100
    monitor 5 s
    complete
    remove homeassistant (stable)`),
  'static-ip': refused(
    'invalid-config',
    'static-ip.yml:6: E06 pihole has the fixed address 172.28.0.53',
    'in its overlay',
  ),
  'fixed-tags': refused('nothing-depends-on-version', 'no service of the compose files depends on the version'),
  'other-variable': refused(
    'nothing-depends-on-version',
    'no service of the compose files depends on the version',
    'x-deploy-bg: {version_env: TAG}',
  ),
  'other-variable-named': planned(`
    api: in-place, rolling; web: in-place, rolling
    create api ×1 (candidate)
    ready: api (candidate)
    shrink api to 0 (stable)
    create web ×1 (candidate)
    ready: web (candidate)
    shrink web to 0 (stable)
    monitor api, web (candidate)
    complete`),
  latest: planned(`
    app: in-place, rolling; watchtower: shared
    shared services healthy: watchtower
    create app ×1 (candidate)
    ready: app (candidate)
    shrink app to 0 (stable)
    monitor app (candidate)
    complete`),
  digest: planned(`
    app: in-place, rolling; redis: shared
    shared services healthy: redis
    create app ×1 (candidate)
    ready: app (candidate)
    shrink app to 0 (stable)
    monitor app (candidate)
    complete`),
  'unset-variables': refused(
    'invalid-config',
    'unset-variables.yml:3: E15 web: ":v2" is no name of an image',
    'every variable in it is set',
  ),
  'restart-policies': planned(`
    a: in-place, rolling; b: in-place, rolling; c: in-place, rolling ×0
    create a ×1 (candidate)
    ready: a (candidate)
    shrink a to 0 (stable)
    create b ×1 (candidate)
    ready: b (candidate)
    shrink b to 0 (stable)
    monitor c, a, b (candidate)
    complete`),
  wordpress: planned(`
    db: shared; wordpress: in-place, rolling; W01
    shared services healthy: db
    create wordpress ×1 (candidate)
    ready: wordpress (candidate)
    shrink wordpress to 0 (stable)
    monitor wordpress (candidate)
    complete`),
  'several-files': planned(`
    db: shared; web: in-place, rolling ×3
    shared services healthy: db
    create web ×2 (candidate)
    ready: web (candidate)
    shrink web to 1 (stable)
    delay 10 s
    create web ×3 (candidate)
    ready: web (candidate)
    shrink web to 0 (stable)
    monitor web (candidate)
    complete`),
  profiles: planned(`
    web: in-place, rolling; W09
    create web ×1 (candidate)
    ready: web (candidate)
    shrink web to 0 (stable)
    monitor web (candidate)
    complete`),
  extends: planned(`
    web: in-place, rolling; worker: in-place, rolling ×2
    create web ×1 (candidate)
    ready: web (candidate)
    shrink web to 0 (stable)
    create worker ×1 (candidate)
    ready: worker (candidate)
    shrink worker to 1 (stable)
    create worker ×2 (candidate)
    ready: worker (candidate)
    shrink worker to 0 (stable)
    monitor web, worker (candidate)
    complete`),
  include: planned(`
    app: in-place, rolling; db: shared
    shared services healthy: db
    create app ×1 (candidate)
    ready: app (candidate)
    shrink app to 0 (stable)
    monitor app (candidate)
    complete`),
  anchors: planned(`
    db: shared; sidekiq: in-place, rolling; web: in-place, rolling; W02; W11
    shared services healthy: db
    create sidekiq ×1 (candidate)
    ready: sidekiq (candidate)
    shrink sidekiq to 0 (stable)
    create web ×1 (candidate)
    ready: web (candidate)
    shrink web to 0 (stable)
    monitor sidekiq, web (candidate)
    complete`),
  'env-file': planned(`
    web: in-place, rolling
    create web ×1 (candidate)
    ready: web (candidate)
    shrink web to 0 (stable)
    monitor web (candidate)
    complete`),
  'missing-env-file': refused('compose-rejected', '.env.production not found'),
  secrets: planned(`
    db: shared; web: in-place, rolling
    shared services healthy: db
    create web ×1 (candidate)
    ready: web (candidate)
    shrink web to 0 (stable)
    monitor web (candidate)
    complete`),
  'missing-secret': planned(`
    web: in-place, rolling
    create web ×1 (candidate)
    ready: web (candidate)
    shrink web to 0 (stable)
    monitor web (candidate)
    complete`),
  configs: planned(`
    app: in-place, rolling; prometheus: shared
    shared services healthy: prometheus
    create app ×1 (candidate)
    ready: app (candidate)
    shrink app to 0 (stable)
    monitor app (candidate)
    complete`),
  migrations: planned(`
    app: in-place, rolling ×2; db: shared; migrate: one-shot
    shared services healthy: db
    run migrate once
    create app ×1 (candidate)
    ready: app (candidate)
    shrink app to 1 (stable)
    create app ×2 (candidate)
    ready: app (candidate)
    shrink app to 0 (stable)
    monitor app (candidate)
    complete`),
  'init-of-shared': planned(`
    app: in-place, rolling; minio: shared
    shared services healthy: minio
    create app ×1 (candidate)
    ready: app (candidate)
    shrink app to 0 (stable)
    monitor app (candidate)
    complete`),
  cron: planned(`
    app: in-place, rolling; cron: in-place, rolling; ofelia: shared
    shared services healthy: ofelia
    create app ×1 (candidate)
    ready: app (candidate)
    shrink app to 0 (stable)
    create cron ×1 (candidate)
    ready: cron (candidate)
    shrink cron to 0 (stable)
    monitor app, cron (candidate)
    complete`),
  'old-version': planned(`
    cache: shared; web: in-place, rolling ×2
    shared services healthy: cache
    create web ×1 (candidate)
    ready: web (candidate)
    shrink web to 1 (stable)
    create web ×2 (candidate)
    ready: web (candidate)
    shrink web to 0 (stable)
    monitor web (candidate)
    complete`),
  'links-in-services': planned(`
    assets: shared; cache: shared; db: shared; web: in-place, rolling
    shared services healthy: assets, cache, db
    create web ×1 (candidate)
    ready: web (candidate)
    shrink web to 0 (stable)
    monitor web (candidate)
    complete`),
  links: refused('compose-rejected', 'links.yml', 'additional properties'),
  swarm: planned(`
    app: in-place, rolling ×6
    create app ×2 (candidate)
    ready: app (candidate)
    shrink app to 4 (stable)
    delay 10 s
    create app ×4 (candidate)
    ready: app (candidate)
    shrink app to 2 (stable)
    delay 10 s
    create app ×6 (candidate)
    ready: app (candidate)
    shrink app to 0 (stable)
    monitor app (candidate)
    complete
    shrink app to 0 (stable)`),
  'swarm-global': refused(
    'invalid-config',
    'swarm-global.yml:10: E05 agent: rollback_config.failure_action is "rollback"; use pause or continue',
  ),
  namespaces: planned(`
    debug: in-place, rolling; gluetun: shared; torrent: in-place, rolling
    shared services healthy: gluetun
    create torrent ×1 (candidate)
    ready: torrent (candidate)
    shrink torrent to 0 (stable)
    create debug ×1 (candidate)
    ready: debug (candidate)
    shrink debug to 0 (stable)
    monitor torrent, debug (candidate)
    complete`),
  'namespaces-colored': refused(
    'invalid-config',
    'namespaces-colored.yml:10: E13 exporter uses network_mode of app',
    'namespaces-colored.yml:11: E13 exporter uses ipc of app',
  ),
  'external-networks': planned(`
    app: in-place, rolling; db: shared
    shared services healthy: db
    create app ×1 (candidate)
    ready: app (candidate)
    shrink app to 0 (stable)
    monitor app (candidate)
    complete`),
  hardened: planned(`
    app: in-place, rolling
    create app ×1 (candidate)
    ready: app (candidate)
    shrink app to 0 (stable)
    monitor app (candidate)
    complete`),
  gpu: planned(`
    llm: in-place, rolling; W01
    create llm ×1 (candidate)
    ready: llm (candidate)
    shrink llm to 0 (stable)
    monitor llm (candidate)
    complete`),
  models: planned(`
    chat: in-place, rolling
    create chat ×1 (candidate)
    ready: chat (candidate)
    shrink chat to 0 (stable)
    monitor chat (candidate)
    complete`),
  provider: refused('invalid-config', 'provider.yml:6: E99 database: provider is not available yet'),
  traefik: planned(`
    traefik: shared; whoami: in-place, rolling ×2
    shared services healthy: traefik
    create whoami ×1 (candidate)
    ready: whoami (candidate)
    shrink whoami to 1 (stable)
    create whoami ×2 (candidate)
    ready: whoami (candidate)
    shrink whoami to 0 (stable)
    monitor whoami (candidate)
    complete`),
  'traefik-blue-green': planned(`
    traefik: shared; whoami: colored, blue-green; W04
    clear the color of leftovers
    proxy files in place
    shared services healthy: traefik
    proxy reads our files
    create whoami ×1 (candidate)
    ready: whoami (candidate)
    weight 100
    monitor 5 s
    complete
    remove whoami (stable)`),
  'nginx-proxy': planned(`
    acme-companion: shared; nginx-proxy: shared; site: in-place, rolling
    shared services healthy: nginx-proxy, acme-companion
    create site ×1 (candidate)
    ready: site (candidate)
    shrink site to 0 (stable)
    monitor site (candidate)
    complete`),
  'nginx-proxy-routed': refused(
    'invalid-config',
    'nginx-proxy-routed.yml:5: E14',
    'nothing is mounted at /etc/nginx/deploy-bg',
    './deploy-bg-proxy:/etc/nginx/deploy-bg',
  ),
  'own-nginx': planned(`
    api: in-place, rolling; front: in-place, rolling
    create api ×1 (candidate)
    ready: api (candidate)
    shrink api to 0 (stable)
    create front ×1 (candidate)
    ready: front (candidate)
    shrink front to 0 (stable)
    monitor api, front (candidate)
    complete`),
  caddy: planned(`
    api: colored, blue-green; caddy: shared; db: shared; web: colored, blue-green ×2; W10
    clear the color of leftovers
    proxy files in place
    shared services healthy: caddy, db
    proxy reads our files
    create api ×1 (candidate)
    create web ×2 (candidate)
    ready: api, web (candidate)
    weight 100
    monitor 5 s
    complete
    drain api, web (stable)
    remove web, api (stable)`),
  'caddy-single-file': refused(
    'invalid-config',
    'caddy-single-file.yml:5: E14',
    'nothing is mounted at /etc/caddy/deploy-bg',
    './deploy-bg-proxy:/etc/caddy/deploy-bg',
  ),
  nginx: planned(`
    nginx: shared; php: colored, blue-green
    clear the color of leftovers
    proxy files in place
    shared services healthy: nginx
    proxy reads our files
    create php ×1 (candidate)
    ready: php (candidate)
    weight 100
    monitor 5 s
    complete
    drain php (stable)
    remove php (stable)`),
  'two-proxies': refused(
    'invalid-config',
    'two-proxies.yml:12: E14 web has a route',
    'which service is the proxy is not known',
    '{proxy: {service: NAME',
  ),
  'two-proxies-named': planned(`
    edge: shared; static: shared; web: colored, blue-green; W10
    clear the color of leftovers
    proxy files in place
    shared services healthy: edge, static
    proxy reads our files
    create web ×1 (candidate)
    ready: web (candidate)
    weight 100
    monitor 5 s
    complete
    drain web (stable)
    remove web (stable)`),
  'one-place': refused(
    'invalid-config',
    'one-place.yml:7: E14 admin and web have a route to the same place: host (any), path /',
  ),
  'no-proxy-routed': refused(
    'invalid-config',
    'no-proxy-routed.yml:5: E14 web has a route',
    'which service is the proxy is not known',
  ),
  canary: planned(`
    gateway: shared; web: colored, canary ×4
    clear the color of leftovers
    proxy files in place
    shared services healthy: gateway
    proxy reads our files
    create web ×1 (candidate)
    ready: web (candidate)
    weight 5
    pause 10m
    weight 25
    pause until promoted
    create web ×2 (candidate)
    ready: web (candidate)
    weight 50
    create web ×4 (candidate)
    ready: web (candidate)
    weight 100
    monitor 5 s
    complete
    drain web (stable)
    remove web (stable)`),
  overlays: planned(`
    web: colored, blue-green
    clear the color of leftovers
    proxy files in place
    proxy reads our files
    create web ×1 (candidate)
    ready: web (candidate)
    weight 100
    monitor 5 s
    complete
    remove web (stable)`),
  hostile: planned(`
    web: in-place, rolling
    hook pre_deploy: ./notify.sh … on the host
    create web ×1 (candidate)
    ready: web (candidate)
    shrink web to 0 (stable)
    monitor web (candidate)
    complete`),
  'hostile-route': refused(
    'invalid-config',
    'hostile-route.yml:9: E01',
    'route.host must be a host name',
    'route.path must be a plain path',
  ),
  'names-of-objects': refused(
    'invalid-config',
    'names-of-objects.yml:2: E01 constructor',
    'names-of-objects.yml:4: E01 __proto__',
    'names-of-objects.yml:6: E01 toString',
  ),
  'number-as-name': refused('compose-rejected', 'non-string key in services: 1'),
  typo: refused(
    'invalid-config',
    'typo.yml:5: E01 unknown key services.web.x-deploy-bg.stratgy',
    'typo.yml:6: E04 services.web.x-deploy-bg.drain_timeout is no duration: 30',
    'typo.yml:7: E01 services.web.x-deploy-bg.route.port must be a port number',
  ),
  tabs: refused('compose-rejected', 'tabs.yml:2: Tabs are not allowed as indentation'),
  'duplicate-key': refused('compose-rejected', 'duplicate-key.yml:5: Map keys must be unique'),
  empty: refused('compose-rejected', 'empty compose file'),
  'no-services': refused('nothing-depends-on-version', 'no service of the compose files depends on the version'),
};

const text = ({ services, warnings, plan }: Said): string =>
  [[...services, ...warnings].join('; '), ...plan].join('\n');

describe('a compose file of the wild: a right plan or a clear refusal, and no action', () => {
  it.concurrent.each(Object.entries(EXPECTED))('%s', async (name, { code, words }) => {
    const answer = await planOf(name, OPTIONS[name]);
    if ('plan' in answer) {
      expect({ code: 'planned', text: text(answer) }).toEqual({ code, text: words.join('\n') });
      expect(answer.first.filter((step) => step.includes('(stable)'))).toEqual([]);
      return;
    }
    expect(answer).toMatchObject({ code });
    for (const word of words) expect(answer.text).toContain(word);
    expect(answer.text).not.toMatch(/^\s+at /m);
  });

  it('each file is in the table', () => {
    expect(
      readdirSync(WILD)
        .map((file) => file.replace(/\.yml$/, ''))
        .toSorted(),
    ).toEqual(Object.keys(EXPECTED).toSorted());
  });
});
