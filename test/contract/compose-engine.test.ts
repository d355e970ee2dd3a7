import { chmod, mkdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { DeployError } from '../../src/core/errors.ts';
import { docker, IMAGE, makeImages, removeImages, Workspace } from './compose-support.ts';

const SHOP = `
name: PROJECT
x-deploy-bg: {strategy: blue-green, proxy: {driver: none}}
services:
  proxy:
    image: ${IMAGE}:v1
    labels: {deploy-bg.test: compose}
    depends_on: [web]
    networks: [front]
  db:
    image: ${IMAGE}:v1
    networks: [back]
  web:
    image: ${IMAGE}:$VERSION
    container_name: PROJECT-web
    environment: {NASTY: "2001-01-01", DOLLAR: "a$$b", UNSET: }
    depends_on: {api: {condition: service_started}, db: {condition: service_started}, migrate: {condition: service_completed_successfully}}
    networks: {front: {aliases: [www]}, back: }
    ports: []
    x-deploy-bg: {route: {port: 3000, probe: {path: /}}}
    secrets: [fromenv, fromfile]
    configs: [{source: content, target: /content}]
    volumes: ["data:/data"]
    tmpfs: [/scratch]
  api:
    image: ${IMAGE}:$VERSION
    hostname: api
    networks: {back: {aliases: [backend]}}
    pull_policy: always
  migrate:
    image: ${IMAGE}:$VERSION
    networks: [back]
    secrets: [fromenv]
    command: ["sh", "-c", "cat /run/secrets/fromenv; exit \${MIGRATE:-0}"]
networks: {front: {}, back: {}}
volumes: {data: {}}
secrets: {fromenv: {environment: TOKEN}, fromfile: {file: ./secret.txt}}
configs: {content: {content: "version $VERSION"}}
`;

const OVERLAYS = {
  'compose.blue.yml': 'services: {web: {ports: ["127.0.0.1:38001:80"]}}',
  'compose.green.yml': 'services: {web: {ports: ["127.0.0.1:38002:80"], networks: {front: {aliases: [verde]}}}}',
};

const TOKEN = 'tok$en\nof two lines';

let workspace: Workspace;

beforeAll(makeImages);
afterAll(removeImages);
afterEach(async () => {
  await workspace.remove();
});

async function shop(env: Readonly<Record<string, string>> = {}) {
  workspace = await Workspace.create({
    'compose.yml': SHOP,
    ...OVERLAYS,
    'secret.txt': 'from a file',
    '.env': 'COMPOSE_REMOVE_ORPHANS=true\n',
  });
  await chmod(join(workspace.directory, 'secret.txt'), 0o640);
  const compose = workspace.compose({ env: { ...process.env, TOKEN, ...env } });
  return { compose, name: workspace.name };
}

const inside = (container: string, command: string) => docker('exec', container, 'sh', '-c', command);

/** The gateway of a network as the kernel's route table shows it. */
async function gatewayOf(network: string): Promise<string> {
  const address = await docker('network', 'inspect', '-f', '{{(index .IPAM.Config 0).Gateway}}', network);
  const bytes = address.split('.').toReversed();
  return bytes
    .map((byte) => Number(byte).toString(16).padStart(2, '0'))
    .join('')
    .toUpperCase();
}

async function refusal(promise: Promise<unknown>): Promise<DeployError> {
  const error: unknown = await promise.then(
    () => null,
    (thrown: unknown) => thrown,
  );
  if (error instanceof DeployError) return error;
  throw new Error('not refused', { cause: error });
}

describe('a color', () => {
  it('is created beside the other, by its own names, with what its release captured', async () => {
    const { compose, name } = await shop();
    const v1 = await compose.read('v1');
    const blue = await workspace.frozen(compose, v1, 'blue');
    await compose.freeze(blue);
    // Nothing of the project exists yet: its networks and volumes are made on the way.
    await compose.runOnce(blue, 'migrate');
    await workspace.up(compose, blue, 'api', 1);
    await workspace.up(compose, blue, 'web', 1);
    await compose.startShared(v1, 'proxy');

    const v2 = await compose.read('v2');
    const green = await workspace.frozen(compose, v2, 'green', 'r2');
    await compose.freeze(green);
    await workspace.write('secret.txt', 'changed since');
    await workspace.up(compose, green, 'api', 2);
    await workspace.up(compose, green, 'web', 1);

    const containers = {
      ...(await workspace.containers()),
      ...(await workspace.containers(`${name}-blue`)),
      ...(await workspace.containers(`${name}-green`)),
    };
    expect(Object.keys(containers).toSorted()).toEqual(
      [
        `${name}-blue-api-blue-1`,
        `${name}-green-api-green-1`,
        `${name}-green-api-green-2`,
        `${name}-proxy-1`,
        `${name}-web-blue`,
        `${name}-web-green`,
      ].toSorted(),
    );

    // Inside a color everyone finds only their own, on every name that the user gave.
    const address = (container: string, network: string) =>
      docker('inspect', '-f', `{{(index .NetworkSettings.Networks "${network}").IPAddress}}`, container);
    const blueApi = await address(`${name}-blue-api-blue-1`, `${name}-blue_back-blue`);
    const greenApis = await Promise.all(
      [1, 2].map((slot) => address(`${name}-green-api-green-${String(slot)}`, `${name}-green_back-green`)),
    );
    const found = async (container: string, host: string) =>
      [...new Set((await inside(container, `getent ahostsv4 ${host} | cut -d' ' -f1`)).split('\n'))].toSorted();
    for (const host of ['api', 'backend']) {
      expect(await found(`${name}-web-blue`, host)).toEqual([blueApi]);
      expect(await found(`${name}-web-green`, host)).toEqual(greenApis.toSorted());
    }
    // On the shared network only the colored name, and what the overlay gives to one color alone.
    for (const host of ['web-green', 'verde', `${name}-web-green`])
      expect(await found(`${name}-proxy-1`, host)).toEqual([await address(`${name}-web-green`, `${name}_front`)]);
    for (const host of ['web', 'www', 'api'])
      expect(await inside(`${name}-proxy-1`, `getent ahostsv4 ${host} || echo none`)).toBe('none');

    const environment = (await inside(`${name}-web-green`, 'env')).split('\n');
    expect(environment).toContain('DEPLOY_COLOR=green');
    expect(environment).toContain('DEPLOY_VERSION=v2');
    expect(environment).toContain('NASTY=2001-01-01');
    expect(environment).toContain('DOLLAR=a$b');
    expect(await inside(`${name}-web-green`, 'cat /run/secrets/fromenv')).toBe(TOKEN);
    expect(await inside(`${name}-web-green`, 'cat /run/secrets/fromfile')).toBe('from a file');
    expect(await inside(`${name}-web-green`, 'stat -c %a /run/secrets/fromfile')).toBe('640');
    expect(await inside(`${name}-web-green`, 'cat /content')).toBe('version v2');
    expect(await docker('port', `${name}-web-green`)).toBe('80/tcp -> 127.0.0.1:38002');
    expect(await docker('inspect', '-f', '{{.Config.Image}}', `${name}-web-green`)).toBe(
      await docker('image', 'inspect', '-f', '{{.Id}}', `${IMAGE}:v2`),
    );
    // The default route is that of the shared network: the color's own has none.
    expect(await docker('network', 'inspect', '-f', '{{.Internal}}', `${name}-green_back-green`)).toBe('true');
    const routes = (await inside(`${name}-web-green`, 'cat /proc/net/route'))
      .split('\n')
      .map((line) => line.split('\t'));
    const gateways = routes.filter((route) => route[1] === '00000000').map((route) => route[2]);
    const subnets = await Promise.all(['front', 'back'].map((each) => gatewayOf(`${name}_${each}`)));
    expect(subnets).toContain(gateways[0]);
    expect((await stat(join(green.folder, 'compose.green.yaml'))).mode & 0o777).toBe(0o600);

    // A frozen call repeats itself without touching anything, and freezing gives the same file.
    const before = await readFile(join(green.folder, 'compose.green.yaml'), 'utf8');
    await compose.freeze(green);
    expect(await readFile(join(green.folder, 'compose.green.yaml'), 'utf8')).toBe(before);
    await workspace.up(compose, green, 'api', 2);
    await compose.startShared(v2, 'proxy');
    expect({
      ...containers,
      ...(await workspace.containers(`${name}-green`)),
      ...(await workspace.containers()),
    }).toEqual(containers);
    expect(await docker('compose', 'ls', '-q')).toContain(`${name}-green`);

    // What a person types in the base project leaves the colors alone, and finds the networks as its own.
    const dry = await workspace.plain('v2', 'up', '-d', '--dry-run', '--no-deps', 'db');
    expect(dry).not.toMatch(/Network|Volume|Recreate|Removing/);
  });

  it('finds its own first, also beside an uncolored project that has all the plain names', async () => {
    const { compose, name } = await shop();
    await workspace.write(
      'compose.yml',
      SHOP.replace(/ {4}container_name:.*\n/, '').replace('pull_policy: always', ''),
    );
    await workspace.plain('v1', 'up', '-d');
    const before = await workspace.containers();
    const green = await workspace.frozen(compose, await compose.read('v2'), 'green', 'r2');
    await compose.freeze(green);
    await workspace.up(compose, green, 'api', 1);
    await workspace.up(compose, green, 'web', 1);
    const own = `{{(index .NetworkSettings.Networks "${name}-green_back-green").IPAddress}}`;
    const api = await docker('inspect', '-f', own, `${name}-green-api-green-1`);
    for (const host of ['api', 'backend'])
      expect(await inside(`${name}-green-web-green-1`, `getent ahostsv4 ${host} | cut -d' ' -f1 | sort -u`)).toBe(api);
    expect(await inside(`${name}-green-web-green-1`, 'getent ahostsv4 db | wc -l')).not.toBe('0');
    expect(await workspace.containers()).toEqual(before);
  });

  it('a one-shot that fails says so with its code and last lines, and leaves nothing', async () => {
    const { compose, name } = await shop({ MIGRATE: '3' });
    const blue = await workspace.frozen(compose, await compose.read('v1'), 'blue');
    await compose.freeze(blue);
    const error = await refusal(compose.runOnce(blue, 'migrate'));
    expect(error).toMatchObject({ code: 'rollout-failed' });
    expect(error.message).toMatch(/migrate ended with exit code 3/);
    expect(error.details).toContain('of two lines');
    expect(await workspace.containers(`${name}-blue`)).toEqual({});
  });

  it('a taken port is an error with the engine’s words', async () => {
    const { compose, name } = await shop();
    await workspace.write('compose.green.yml', OVERLAYS['compose.blue.yml']);
    await workspace.write('compose.blue.yml', 'services: {web: {ports: ["127.0.0.1:38002:80"]}}');
    const project = await compose.read('v1');
    const blocker = await docker(
      'run',
      '-d',
      '--label',
      'deploy-bg.test=compose',
      '-p',
      '127.0.0.1:38001:80',
      `${IMAGE}:v1`,
    );
    try {
      const green = await workspace.frozen(compose, project, 'green');
      await compose.freeze(green);
      const error = await refusal(workspace.up(compose, green, 'web', 1));
      expect(error.message).toMatch(/port is already allocated|address already in use/);
    } finally {
      await docker('rm', '-f', blocker);
      await docker('rm', '-f', `${name}-web-green`).catch(() => '');
    }
  });
});

describe('the base project', () => {
  it('is what plain Compose would have made: it finds nothing to do', async () => {
    const { compose, name } = await shop();
    await workspace.write(
      'compose.yml',
      SHOP.replaceAll('PROJECT', name)
        .replace(/ {4}container_name:.*\n/, '')
        .replace('pull_policy: always', ''),
    );
    const project = await compose.read('v1');
    const base = await workspace.frozen(compose, project, null);
    await compose.freeze(base);
    await compose.runOnce(base, 'migrate');
    await workspace.up(compose, base, 'api', 1);
    await workspace.up(compose, base, 'web', 1);
    await compose.startShared(project, 'db');
    await compose.startShared(project, 'proxy');
    const containers = await workspace.containers();
    expect(Object.keys(containers).toSorted()).toEqual(
      ['api', 'db', 'proxy', 'web'].map((each) => `${name}-${each}-1`),
    );
    await workspace.plain('v1', 'up', '-d');
    expect(await workspace.containers()).toMatchObject(containers);
  });
});

describe('images', () => {
  async function fetching(keys: string, options = { pull: true, build: false, refresh: false }) {
    workspace = await Workspace.create({
      'compose.yml': `name: PROJECT\nx-deploy-bg: {strategy: blue-green}\nservices: {web: {${keys}, x-deploy-bg: {}}}`,
      'app/Dockerfile': `FROM ${IMAGE}:v1\nLABEL deploy-bg.test=compose\n`,
    });
    const compose = workspace.compose();
    return compose.fetchImages(await compose.read('v1'), ['web'], options, {
      signal: new AbortController().signal,
      fetching: () => undefined,
    });
  }

  const missing = 'image: "localhost:1/deploy-bg/none:$VERSION"';

  it.each([
    ['present', `image: "${IMAGE}:$VERSION"`],
    ['present, pull_policy never', `image: "${IMAGE}:$VERSION", pull_policy: never`],
    ['present, policy of time not due', `image: "${IMAGE}:$VERSION", pull_policy: every_100w`],
  ])('%s', (_, keys) => fetching(keys));

  it.each([
    ['always goes to the registry', 'image: "localhost:1/x:$VERSION", pull_policy: always', 'registry-unreachable'],
    ['missing', missing, 'registry-unreachable'],
    ['missing, pull_policy never', `${missing}, pull_policy: never`, 'image-missing'],
  ])('%s', async (_, keys, code) => {
    const error = await refusal(fetching(keys));
    expect(error).toMatchObject({ code });
    expect(error.message).toMatch(/image localhost:1\/.* of service web (is missing|cannot be fetched): .+/);
  });

  it('without pulling says why it is missing', async () => {
    expect((await refusal(fetching(missing, { pull: false, build: false, refresh: false }))).message).toMatch(
      /--no-pull/,
    );
  });

  it('builds what is not there, what shall be built, and says what went wrong', async () => {
    const image = `localhost:1/${IMAGE}-built`;
    await fetching(`image: "${image}:$VERSION", build: ./app`);
    expect(await docker('image', 'inspect', '-f', '{{index .Config.Labels "deploy-bg.test"}}', `${image}:v1`)).toBe(
      'compose',
    );
    await docker('rmi', `${image}:v1`);
    await workspace.remove();
    const error = await refusal(
      fetching('build: {context: ./app, dockerfile_inline: "FROM scratch\\nCOPY nothing /"}'),
    );
    expect(error).toMatchObject({ code: 'image-missing' });
    expect(error.message).toMatch(/cannot be built/);
    await mkdir(workspace.directory, { recursive: true });
  });
});
