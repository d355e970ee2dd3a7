import { describe, expect, it } from 'vitest';
import { baseModel, colorModel, resourcesModel, type ColorInput } from '../../../src/config/color-transform.ts';
import { isMapping, mapping, serviceOf, type Mapping } from '../../../src/config/model.ts';
import type { Color } from '../../../src/core/color.ts';
import { merge, model } from './support.ts';

const SHOP = `
name: shop
x-deploy-bg: {strategy: blue-green}
services:
  web:
    image: app:v1
    networks: {front: null, back: {aliases: [shop-web], gw_priority: 5}}
  api:
    image: app:v1
    networks: {back: null}
  migrate:
    image: app:v1
    networks: {back: null}
  db: {image: postgres, networks: {back: null}}
networks: {front: {name: shop_front}, back: {name: shop_back, driver_opts: {a: b}}, spare: {name: shop_spare}}
`;

const SERVICES: ColorInput['services'] = {
  web: { placement: 'colored', imageId: 'sha256:aa', version: 'v2' },
  api: { placement: 'colored', imageId: 'sha256:bb', version: 'v1' },
  migrate: { placement: 'one-shot', imageId: 'sha256:aa', version: 'v2' },
};

interface Overlays {
  readonly blue?: string;
  readonly green?: string;
}

/** The green model of the shop with more keys, and with overlays. */
function green(more = '', overlays: Overlays = {}, options: Partial<ColorInput> = {}): Mapping {
  const merged = (base: Mapping, text: string | undefined): Mapping =>
    mapping(text === undefined || text === '' ? base : merge(base, model(text)));
  const base = merged(model(SHOP), more);
  return colorModel({
    models: { base, overlays: { blue: merged(base, overlays.blue), green: merged(base, overlays.green) } },
    project: 'shop',
    color: 'green',
    services: SERVICES,
    labels: (service) => ({ 'deploy-bg.service': service }),
    copied: () => null,
    gatewayPriority: true,
    ...options,
  });
}

/** The service `web-green` after giving `web` these keys. */
function web(keys: string, overlays: Overlays = {}): Mapping {
  return serviceOf(green(keys === '' ? '' : `services: {web: ${keys}}`, overlays), 'web-green');
}

const only = (keys: string) => `services: {web: ${keys}}`;

describe('the color transform', () => {
  it('tells each service the version it was made at: one that a deploy did not ask for keeps its own', () => {
    const told = (service: string) => mapping(serviceOf(green(), `${service}-green`)['environment'])['DEPLOY_VERSION'];
    expect([told('web'), told('api')]).toEqual(['v2', 'v1']);
  });

  it('makes a project of the color with the colored services and one-shots only', () => {
    const frozen = green();
    expect(frozen['name']).toBe('shop-green');
    expect(Object.keys(mapping(frozen['services']))).toEqual(['web-green', 'api-green', 'migrate-green']);
    expect(frozen).not.toHaveProperty('x-deploy-bg');
  });

  it('sets the image by id, labels, color and version', () => {
    expect(web('{environment: {A: "$$x", B: null}, labels: {a: b}}')).toMatchObject({
      image: 'sha256:aa',
      pull_policy: 'never',
      environment: { A: '$$x', B: null, DEPLOY_COLOR: 'green', DEPLOY_VERSION: 'v2' },
      labels: { a: 'b', 'deploy-bg.service': 'web' },
    });
  });

  it.each(['build: {context: /x}', 'develop: {watch: []}', 'x-deploy-bg: {}', 'profiles: [a]', 'pull_policy: always'])(
    'drops %s',
    (key) => {
      const name = key.split(':')[0] ?? '';
      expect(web(`{${key}}`)[name]).toEqual(name === 'pull_policy' ? 'never' : undefined);
    },
  );

  it.each([
    ['of its color: renamed', '{api: {condition: service_healthy}}', { 'api-green': { condition: 'service_healthy' } }],
    ['shared: dropped, it is healthy first', '{db: {condition: service_healthy}}', undefined],
    ['one-shot: dropped, it has run', '{migrate: {condition: service_completed_successfully}}', undefined],
    ['of an inactive profile: dropped', '{debug: {condition: service_started, required: false}}', undefined],
  ])('depends_on %s', (_, given, expected) => {
    expect(web(`{depends_on: ${given}}`)['depends_on']).toEqual(expected);
  });

  it.each([
    ['network_mode: "service:api"', { network_mode: 'service:api-green' }],
    ['pid: "service:api"', { pid: 'service:api-green' }],
    ['ipc: "service:api"', { ipc: 'service:api-green' }],
    ['ipc: shareable', { ipc: 'shareable' }],
    ['network_mode: "container:x"', { network_mode: 'container:x' }],
    ['volumes_from: [api, "api:ro"]', { volumes_from: ['api-green', 'api-green:ro'] }],
    [
      'volumes_from: [db, "db:ro", "container:x"]',
      { volumes_from: ['container:shop-db-1', 'container:shop-db-1:ro', 'container:x'] },
    ],
    ['links: [api, "api:backend"]', { links: ['api-green:api', 'api-green:backend'] }],
    ['links: [db, "db:sql"]', { external_links: ['shop-db-1:db', 'shop-db-1:sql'] }],
    ['external_links: [other]', { external_links: ['other'] }],
  ])('%s follows', (given, expected) => {
    const made = web(`{${given}}`);
    expect(made).toMatchObject(expected);
    if (given === 'links: [db, "db:sql"]') expect(made).not.toHaveProperty('links');
  });

  it('links a shared service by the name that its container has', () => {
    const frozen = green('services: {web: {links: [db]}, db: {container_name: sql}}');
    expect(serviceOf(frozen, 'web-green')['external_links']).toEqual(['sql:db']);
  });

  describe('names that exist once', () => {
    it.each(['container_name', 'hostname'])('%s gets the color', (key) => {
      expect(web(`{${key}: shop-web}`)[key]).toBe('shop-web-green');
    });

    it.each(['container_name', 'hostname'])('%s that the overlay gives to one color is kept', (key) => {
      expect(web('', { green: only(`{${key}: verde}`) })[key]).toBe('verde');
      expect(web('', { green: only(`{${key}: verde}`), blue: only(`{${key}: azul}`) })[key]).toBe('verde');
    });

    it.each(['container_name', 'hostname'])('%s that both overlays give alike is not the color’s own', (key) => {
      const same = only(`{${key}: same}`);
      expect(web('', { green: same, blue: same })[key]).toBe('same-green');
    });
  });

  describe('networks', () => {
    it('that two colored services share get one of the color’s own, where the plain names are', () => {
      expect(web('')['networks']).toEqual({
        front: null,
        back: { gw_priority: 5 },
        'back-green': { aliases: ['web', 'shop-web'], gw_priority: 105 },
      });
      expect(green()['networks']).toEqual({
        front: { name: 'shop_front', external: true },
        back: { name: 'shop_back', external: true },
        'back-green': { internal: true },
      });
    });

    it('one-shots have no name, but find their color', () => {
      expect(mapping(serviceOf(green(), 'migrate-green')['networks'])['back-green']).toEqual({ gw_priority: 100 });
    });

    it('on shared ones an overlay’s alias is kept if it is this color’s alone', () => {
      const alias = (names: string) => only(`{networks: {front: {aliases: [${names}]}}}`);
      const made = web('', { green: alias('both, mine'), blue: alias('both, yours') });
      expect(mapping(made['networks'])['front']).toEqual({ aliases: ['mine'] });
    });

    it('names that others use inside the color stay', () => {
      const made = web('{hostname: h, container_name: c}');
      expect(mapping(made['networks'])['back-green']).toMatchObject({ aliases: ['web', 'shop-web', 'h', 'c'] });
    });

    it('a Compose without gw_priority gets none', () => {
      const frozen = green('', {}, { gatewayPriority: false });
      expect(mapping(serviceOf(frozen, 'api-green')['networks'])['back-green']).toEqual({ aliases: ['api'] });
    });

    it('external ones keep their real name', () => {
      const frozen = green('networks: {front: {name: edge, external: true}}');
      expect(mapping(frozen['networks'])['front']).toEqual({ name: 'edge', external: true });
    });
  });

  it('volumes are the user’s own, under their real names; only those that are used', () => {
    const frozen = green(
      `services: {web: {volumes: [{type: volume, source: data, target: /d}, {type: volume, target: /anon}]}}
volumes: {data: {name: shop_data, driver: local}, other: {name: shop_other}}`,
    );
    expect(frozen['volumes']).toEqual({ data: { name: 'shop_data', external: true } });
  });

  it('secrets and configs: files from the release’s copies, the rest as it is', () => {
    const frozen = green(
      `services: {web: {secrets: [{source: s}, {source: e}], configs: [{source: c}]}}
secrets: {s: {name: shop_s, file: /x/s}, e: {name: shop_e, environment: E}, unused: {file: /x/u}}
configs: {c: {name: shop_c, content: "a$$b"}}`,
      {},
      { copied: (kind, key) => (key === 's' ? `/release/${kind}/${key}` : null) },
    );
    expect(frozen['secrets']).toEqual({
      s: { name: 'shop_s', file: '/release/secrets/s' },
      e: { name: 'shop_e', environment: 'E' },
    });
    expect(frozen['configs']).toEqual({ c: { name: 'shop_c', content: 'a$$b' } });
  });

  it('one-shots stay out of a plain up', () => {
    expect(serviceOf(green(), 'migrate-green')['profiles']).toEqual(['deploy-bg-one-shot']);
  });

  it('keeps null and {} apart, and what Compose keeps', () => {
    expect(web('{entrypoint: null, command: [], deploy: {replicas: 2}, tmpfs: [/t]}')).toMatchObject({
      entrypoint: null,
      command: [],
      deploy: { replicas: 2 },
      tmpfs: ['/t'],
    });
  });

  it('gives the same text for the same input, and takes the color’s own overlay', () => {
    const ports = (color: Color) => only(`{ports: [{target: 80, published: "${color === 'blue' ? '8001' : '8002'}"}]}`);
    const overlays = { blue: ports('blue'), green: ports('green') };
    expect(green('', overlays)).toEqual(green('', overlays));
    expect(web('', overlays)['ports']).toEqual([{ target: 80, published: '8002' }]);
  });
});

describe('the base project', () => {
  const base = model(`${SHOP}volumes: {data: {name: shop_data}}\n`);

  it('changes no service', () => {
    const frozen = baseModel(base, 'shop');
    expect(frozen['services']).toEqual(base['services']);
    expect(frozen['networks']).toMatchObject({ back: { name: 'shop_back', external: true } });
    expect(frozen['volumes']).toEqual({ data: { name: 'shop_data', external: true } });
  });

  it('loses dependencies of inactive profiles', () => {
    const given = model(
      'services: {a: {image: x, depends_on: {b: {}, gone: {}}}, b: {image: x, depends_on: {gone: {}}}}',
    );
    expect(baseModel(given, 'shop')['services']).toEqual({
      a: { image: 'x', depends_on: { b: {} } },
      b: { image: 'x' },
    });
  });

  it('its resources alone start nothing', () => {
    const made = resourcesModel(base);
    expect(made['networks']).toEqual(base['networks']);
    const [service] = Object.values(mapping(made['services']));
    expect(isMapping(service) && service['scale']).toBe(0);
  });
});
