import { afterEach, describe, expect, it } from 'vitest';
import { frozenPath } from '../../src/adapters/compose/frozen.ts';
import { parseModel } from '../../src/config/frozen-yaml.ts';
import { mapping, serviceOf } from '../../src/config/model.ts';
import { DeployError } from '../../src/core/errors.ts';
import { docker, Workspace } from './compose-support.ts';

/** Values that a YAML reader or an interpolation may take for something else. */
const NASTY = {
  DATE: '2001-01-01',
  OCTAL: '0o17',
  OLD_OCTAL: '0777',
  YES: 'yes',
  NULL: 'null',
  TILDE: '~',
  EXPONENT: '1e3',
  COLON: ':',
  SEXAGESIMAL: '1:30',
  HASH: '# no comment',
  STAR: '*alias',
  EMPTY: '',
  SPACES: '  x  ',
  DOLLARS: 'a$b${c}$$d',
  QUOTES: `'"\\`,
  LINES: 'one\n  two\n\nthree\n',
  TAB: 'a\tb',
  UNICODE: 'é😀\u2028\u007f',
  EQUALS: '=',
  BRACES: '{a: b}',
  BINARY: '0b11',
  UNDERSCORE: '1_000',
  INFINITY: '.inf',
};

const escaped = (text: string) => JSON.stringify(text.replaceAll('$', '$$$$')).replace('\u007f', '\\u007f');

let workspace: Workspace;

async function given(files: Readonly<Record<string, string>>): Promise<Workspace> {
  workspace = await Workspace.create(files);
  return workspace;
}

afterEach(async () => {
  await workspace.remove();
});

const HEAD = 'name: PROJECT\nx-deploy-bg: {strategy: blue-green, proxy: {driver: none}}\n';

async function refusal(promise: Promise<unknown>): Promise<DeployError> {
  const error: unknown = await promise.then(
    () => null,
    (thrown: unknown) => thrown,
  );
  if (error instanceof DeployError) return error;
  throw new Error('not refused', { cause: error });
}

describe('reading a project', () => {
  it('resolves extends, include, anchors, env_file, .env, profiles and several files', async () => {
    const { name } = await given({
      'compose.yml': `${HEAD}
include: [included.yml]
x-logging: &logging
  logging: {driver: json-file}
services:
  web:
    <<: *logging
    extends: {file: common.yml, service: app}
    env_file: [app.env]
    environment: {KIND_OF: "$KIND_OF", PRICE: "5$$"}
    depends_on: {db: {condition: service_started}, debug: {condition: service_started, required: false}}
    x-deploy-bg: {}
  debug: {image: debug, profiles: [debug]}
  tools: {image: "tools:$VERSION", profiles: [tools]}
`,
      'common.yml': 'services: {app: {image: "app:${VERSION:?no version}", stop_grace_period: 1m}}',
      'included.yml': 'services: {db: {image: postgres}}',
      'more.yml': 'services: {web: {deploy: {replicas: 3}}}',
      'app.env': 'FROM_FILE=x\n',
      '.env': 'KIND_OF=dotenv\nCOMPOSE_REMOVE_ORPHANS=true\n',
    });
    const compose = workspace.compose({ files: ['compose.yml', 'more.yml'], profiles: ['tools'] });
    const project = await compose.read('v7');
    expect(project).toMatchObject({ name, directory: workspace.directory, version: 'v7', dependsOnVersion: true });
    expect(Object.keys(project.services).toSorted()).toEqual(['db', 'tools', 'web']);
    expect(project.services['web']).toMatchObject({
      image: 'app:v7',
      placement: 'colored',
      replicas: 3,
      stopGraceMs: 60_000,
    });
    expect(project.services['web']?.dependsOn.map(({ service }) => service)).toEqual(['db']);
    expect(project.services['db']?.placement).toBe('shared');
    expect(serviceOf(project.models.base, 'web')['environment']).toEqual({
      FROM_FILE: 'x',
      KIND_OF: 'dotenv',
      PRICE: '5$$',
    });
  });

  it('finds override files, COMPOSE_FILE and files in a folder above as Compose does', async () => {
    await given({
      'compose.yaml': `${HEAD}services: {web: {image: "app:$VERSION"}}`,
      'compose.override.yaml': 'services: {web: {x-deploy-bg: {stratgy: x}}}',
      'other/stack.yml': `${HEAD}services: {api: {image: "api:$VERSION"}}`,
      'deep/er/.keep': '',
    });
    const above = await refusal(workspace.compose({ cwd: `${workspace.directory}/deep/er` }).read('v1'));
    expect(above.details).toEqual([
      expect.stringMatching(/compose\.override\.yaml:1: E01 unknown key services\.web\.x-deploy-bg\.stratgy/),
    ]);
    await workspace.write('.env', 'COMPOSE_FILE=other/stack.yml\n');
    const project = await workspace.compose().read('v1');
    expect(Object.keys(project.services)).toEqual(['api']);
    expect(project.directory).toBe(`${workspace.directory}/other`);
  });

  it('takes the version from the variable that is named', async () => {
    await given({
      'compose.yml': `name: PROJECT\nx-deploy-bg: {strategy: blue-green, version_env: TAG}
services: {web: {image: "app:\${TAG:?}"}}`,
    });
    expect((await workspace.compose().read('v1')).services['web']?.image).toBe('app:v1');
  });

  it('copes with files whose names depend on the version', async () => {
    await given({
      'compose.yml': `${HEAD}services: {web: {image: "app:$VERSION", env_file: ["./$VERSION.env"]}, db: {image: sql}}`,
      'v1.env': 'A=b\n',
    });
    const { services } = await workspace.compose().read('v1');
    expect([services['web']?.placement, services['db']?.placement]).toEqual(['colored', 'shared']);
  });

  it('captures the exact values of environment secrets', async () => {
    await given({
      'compose.yml': `${HEAD}services: {web: {image: "app:$VERSION", secrets: [s, d, u]}}
secrets: {s: {environment: S}, d: {environment: FROM_DOTENV}, u: {environment: UNSET}}`,
      '.env': "FROM_DOTENV='it$x'\n",
    });
    const project = await workspace.compose({ env: { ...process.env, S: NASTY.DOLLARS + NASTY.LINES } }).read('v1');
    expect(project.environmentValues).toEqual({ S: NASTY.DOLLARS + NASTY.LINES, FROM_DOTENV: 'it$x' });
  });

  it('merges overlays by Compose, one for each color', async () => {
    const overlay = (port: number) =>
      `services: {web: {ports: ["${String(port)}:80"], environment: {COLOR_PORT: "${String(port)}"}}}`;
    await given({
      'compose.yml': `${HEAD}services: {web: {image: "app:$VERSION", environment: {A: "1"}}, worker: {image: w, profiles: [w]}}`,
      'compose.blue.yml': overlay(8001),
      'compose.green.yml': overlay(8002),
    });
    const { models } = await workspace.compose({ profiles: ['w'] }).read('v1');
    expect(serviceOf(models.overlays.blue, 'web')).toMatchObject({
      ports: [{ published: '8001' }],
      environment: { A: '1', COLOR_PORT: '8001' },
    });
    expect(serviceOf(models.overlays.green, 'web')).toMatchObject({ ports: [{ published: '8002' }] });
    expect(serviceOf(models.overlays.green, 'worker')).toMatchObject({ image: 'w' });
    expect(serviceOf(models.base, 'web')).not.toHaveProperty('ports');
  });

  it('identity follows the contents of secrets, not the number of replicas', async () => {
    const files = (secret: string, replicas: number) => ({
      'compose.yml': `${HEAD}services: {web: {image: "app:$VERSION", secrets: [s, f], scale: ${String(replicas)}}}
secrets: {s: {environment: S}, f: {file: ./f.txt}}`,
      'f.txt': secret,
    });
    await given(files('one', 1));
    const identity = async (S: string) => {
      const compose = workspace.compose({ env: { ...process.env, S } });
      return compose.identity(await compose.read('v1'), 'web', 'sha256:x');
    };
    const first = await identity('a');
    expect(await identity('b')).not.toBe(first);
    await workspace.write('compose.yml', files('', 4)['compose.yml']);
    expect(await identity('a')).toBe(first);
    await workspace.write('f.txt', 'two');
    expect(await identity('a')).not.toBe(first);
  });

  it.each([
    ['YAML', 'services:\n  web: [', /yaml: line 2/],
    ['a key', 'services: {web: {image: a, imagee: b}}', /compose\.yml.*additional properties 'imagee' not allowed/],
    ['a missing service', 'services: {web: {image: a, depends_on: [b]}}', /depends on undefined service "b"/],
    ['a cycle', 'services: {a: {image: a, depends_on: [b]}, b: {image: a, depends_on: [a]}}', /cycle/],
    ['no file', null, /no configuration file provided/],
  ])('hands on what Compose says about %s', async (_, text, words) => {
    await given(text === null ? {} : { 'compose.yml': text });
    const error = await refusal(workspace.compose().read('v1'));
    expect(error).toMatchObject({ code: 'compose-rejected', exit: 2 });
    expect(error.message).toMatch(words);
  });

  it('says so where there is no docker, no Compose, or one too old', async () => {
    await given({ 'compose.yml': `${HEAD}services: {web: {image: "a:$VERSION"}}` });
    const fake = async (script: string) => {
      await workspace.write('docker', `#!/bin/sh\n${script}\n`);
      return ['/bin/sh', `${workspace.directory}/docker`];
    };
    const answers: [readonly string[], RegExp][] = [
      [['/nowhere/docker'], /cannot be called/],
      [await fake(`echo "docker: 'compose' is not a docker command." >&2; exit 1`), /no compose command/],
    ];
    for (const [binary, words] of answers) {
      const error = await refusal(workspace.compose({ docker: binary, compose: [...binary, 'compose'] }).read('v1'));
      expect(error).toMatchObject({ code: 'compose-missing', exit: 7 });
      expect(error.message).toMatch(words);
    }
    const old = await fake('case "$*" in *version*) echo 2.20.1;; *) echo "unknown key" >&2; exit 1;; esac');
    expect(
      (await refusal(workspace.compose({ docker: old, compose: [...old, 'compose'] }).read('v1'))).message,
    ).toMatch(/2\.20\.1 is too old/);
  });

  it('needs no engine', async () => {
    await given({ 'compose.yml': `${HEAD}services: {web: {image: "a:$VERSION"}}` });
    const env = { ...process.env, DOCKER_HOST: 'tcp://127.0.0.1:1' };
    expect((await workspace.compose({ env }).read('v1')).services).toHaveProperty('web');
  });
});

describe('the frozen file', () => {
  it('means the same to Compose as what was read, whatever the values', async () => {
    const lines = Object.entries(NASTY).map(([key, value]) => `      "${key}": ${escaped(value)}`);
    await given({
      'compose.yml': `${HEAD}services:\n  web:\n    image: "a:$VERSION"\n    entrypoint: null\n    command: []
    tmpfs: [/t]\n    labels: {a: "yes"}\n    environment:\n      UNSET:\n${lines.join('\n')}\n`,
      'compose.green.yml': 'services: {web: {}}',
    });
    const compose = workspace.compose();
    const frozen = await workspace.frozen(compose, await compose.read('v1'), 'green');
    await compose.freeze(frozen);
    const text = await docker('compose', '-f', frozenPath(frozen), '--env-file', '/dev/null', 'config');
    const web = serviceOf(parseModel(text), 'web-green');
    const expected = Object.entries(NASTY).map(([key, value]) => [key, value.replaceAll('$', '$$$$')]);
    expect(mapping(web['environment'])).toEqual({
      ...Object.fromEntries(expected),
      UNSET: null,
      DEPLOY_COLOR: 'green',
      DEPLOY_VERSION: 'v1',
    });
    expect(web['command']).toEqual([]);
    expect(web['labels']).toMatchObject({ a: 'yes', 'deploy-bg.service': 'web' });
  });

  it('has the base project’s own hashes', async () => {
    await given({
      'compose.yml': `${HEAD}services:
  web:
    image: "a:$VERSION"
    networks: {front: {aliases: [w]}, default: }
    volumes: ["data:/data", "./x:/x", /anon]
    tmpfs: [/t]
    environment: {A: "$$x", B: "2001-01-01"}
    depends_on: [db]
    secrets: [s]
  db: {image: sql, profiles: []}
networks: {front: {driver_opts: {a: b}}}
volumes: {data: {}}
secrets: {s: {environment: S}}`,
    });
    const compose = workspace.compose();
    const project = await compose.read('v1');
    const frozen = await workspace.frozen(compose, project, null);
    await compose.freeze(frozen);
    const hashes = await docker('compose', '-f', frozenPath(frozen), 'config', '--hash', '*');
    const pairs = hashes.split('\n').map((line) => line.split(' '));
    expect(Object.fromEntries(pairs)).toEqual(await compose.serviceHashes(project));
  });
});
