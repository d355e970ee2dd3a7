import { chmod, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { freePort, ok, type Run, TestProject } from '../support/project.ts';

/** One for each place, so that a leak says by itself where it comes from. */
const SECRETS = {
  environment: 'planted-in-environment',
  envFile: 'planted-in-env-file',
  environmentSecret: 'planted-in-environment-secret',
  fileSecret: 'planted-in-file-secret',
  config: 'planted-in-environment-config',
  header: 'planted-in-header',
  urlPassword: 'planted-in-check-url',
  webhook: 'planted/in/the/path/of/a/webhook',
  buildArgument: 'planted-in-build-argument',
  registry: 'planted-in-registry-credentials',
};
const AUTH = Buffer.from(`anna:${SECRETS.registry}`).toString('base64');
const URL_PAIR = Buffer.from(`anna:${SECRETS.urlPassword}`).toString('base64');

let project: TestProject;
let outside: Server;
let port: number;
/** What receivers of notices were sent. */
let notices: string[];
/** Credentials that somebody outside was told, as is right. */
let told: Set<string>;

beforeEach(async () => {
  [project, port, notices, told] = [await TestProject.create({ proxy: 'caddy' }), await freePort(), [], new Set()];
  outside = createServer(({ url = '', headers }, response) => {
    const { authorization = '' } = headers;
    told.add(authorization.slice(6)).add(String(headers['x-api-key']));
    const isRegistry = url.startsWith('/v2/');
    // A receiver that fails, a check's URL and a registry that repeat what they were told.
    const message = `no entry with ${authorization} ${Buffer.from(authorization.slice(6), 'base64').toString()}`;
    response.writeHead(isRegistry ? 401 : 500, { 'www-authenticate': 'Basic realm="test"' });
    response.end(isRegistry ? JSON.stringify({ errors: [{ code: 'DENIED', message }] }) : message);
  }).listen(port);
  outside.on('request', (request) => {
    if (request.url?.includes('webhook')) request.on('data', (part: Buffer) => notices.push(part.toString()));
  });
  await Promise.all([
    writeFiles(),
    writeDocker(),
    project.build('v1'),
    project.build('v2', { APP_EXIT_AFTER_MS: '50' }),
    project.build('v5'),
  ]);
});
afterEach(async () => {
  outside.close();
  await project.dispose();
});

/** Prints everything that it was told, then does what its image does. */
const TALKATIVE = ['sh', '-c', 'env | grep planted; cat /run/secrets/* /told; exec node server.js'];

async function writeFiles(): Promise<void> {
  const url = `http://anna:${SECRETS.urlPassword}@127.0.0.1:${String(port)}/health`;
  const smoke = { http: { url, headers: { 'X-Api-Key': SECRETS.header } }, dry_run: true };
  await project.write('app.env', `API_TOKEN=${SECRETS.envFile}\n`);
  await project.write('key.txt', `${SECRETS.fileSecret}\n`);
  await project.write('failing/Dockerfile', 'FROM deploy-bg-test-app\nARG NPM_TOKEN\nCOPY $NPM_TOKEN /there\n');
  await project.edit({
    settings: {
      checks: { smoke },
      after: ['smoke'],
      notify: [{ url: `http://127.0.0.1:${String(port)}/${SECRETS.webhook}`, format: 'json' }],
      hooks: {
        pre_deploy: [
          'echo "host: $$SOURCE_OF_SECRET $$SOURCE_OF_CONFIG"',
          { run: { service: 'web', command: TALKATIVE.map((word) => word.replace('exec node server.js', 'true')) } },
        ],
      },
    },
    web: {
      image: `\${REPOSITORY:-${project.name}/app}:\${VERSION:-v1}`,
      build: { context: './failing', args: { NPM_TOKEN: SECRETS.buildArgument } },
      environment: { DB_PASSWORD: SECRETS.environment },
      env_file: ['app.env'],
      command: TALKATIVE,
      secrets: ['of_environment', 'of_file'],
      configs: [{ source: 'told', target: '/told' }],
      deploy: { replicas: 1, update_config: { monitor: '0s' } },
    },
    top: {
      secrets: { of_environment: { environment: 'SOURCE_OF_SECRET' }, of_file: { file: './key.txt' } },
      configs: { told: { environment: 'SOURCE_OF_CONFIG' } },
    },
  });
}

/** A docker that writes down its arguments, and knows a password of the registry. */
async function writeDocker(): Promise<void> {
  const [bin, plugins] = [join(project.directory, 'bin'), join(project.directory, 'docker', 'cli-plugins')];
  for (const folder of [bin, plugins]) await mkdir(folder, { recursive: true });
  const { stdout: docker } = await execa('sh', ['-c', 'command -v docker']);
  const { stdout: compose } = await execa('docker', ['info', '-f', '{{range .ClientInfo.Plugins}}{{.Path}}\n{{end}}']);
  const real = compose.split('\n').find((path) => path.endsWith('/docker-compose')) ?? '';
  for (const [file, program] of [
    [join(bin, 'docker'), docker],
    [join(plugins, 'docker-compose'), real],
  ] as const) {
    await writeFile(file, `#!/bin/sh\nprintf '%s\\n' "$*" >> ${project.directory}/arguments\nexec ${program} "$@"\n`);
    await chmod(file, 0o755);
  }
  const auths = { [`127.0.0.1:${String(port)}`]: { auth: AUTH } };
  await project.write('docker/config.json', JSON.stringify({ auths }));
}

function run(...args: string[]): Promise<Run> {
  const env = { SOURCE_OF_SECRET: SECRETS.environmentSecret, SOURCE_OF_CONFIG: SECRETS.config };
  const docker = {
    DOCKER_CONFIG: join(project.directory, 'docker'),
    PATH: `${project.directory}/bin:${process.env['PATH'] ?? ''}`,
  };
  const repository = args.includes('v3') ? { REPOSITORY: `127.0.0.1:${String(port)}/app` } : {};
  return project.run(args, { env: { ...env, ...docker, ...repository } });
}

/** Everything that we wrote, by file; what a release is made of is where it may stand. */
async function written(): Promise<Readonly<Record<string, string>>> {
  const texts: Record<string, string> = {};
  for (const folder of ['.deploy-bg', 'proxy']) {
    const below = join(project.directory, folder);
    for (const entry of await readdir(below, { recursive: true, withFileTypes: true })) {
      const path = join(entry.parentPath, entry.name);
      if (entry.isFile() && !path.includes('/.deploy-bg/releases/')) texts[path] = await readFile(path, 'utf8');
    }
  }
  return texts;
}

it('a secret, wherever it is given, is in nothing that we print, send or write but its release', async () => {
  const printed: Record<string, string> = { notices: '' };
  const keep = async (...args: string[]): Promise<Run> => {
    const ended = await run(...args);
    printed[args.join(' ')] = ended.stdout + ended.stderr;
    return ended;
  };
  await ok(keep('deploy', 'v1', '--progress', 'json'));
  for (const mode of ['plain', 'tty', 'json', 'quiet'])
    expect(await keep('deploy', 'v2', '--progress', mode)).toMatchObject({ exit: 1 });
  expect(await keep('deploy', 'v3', '--debug')).toMatchObject({ exit: 1 });
  expect(await keep('deploy', 'v4', '--build')).toMatchObject({ exit: 1 });
  const words = [['status'], ['status', '--json'], ['history'], ['events'], ['events', '--json']];
  for (const args of [...words, ['deploy', 'v2', '--dry-run']]) await ok(keep(...args));
  await ok(keep('deploy', 'v5'));
  await ok(keep('rollback'));

  const everything = {
    ...printed,
    ...(await written()),
    notices: notices.join('\n'),
    arguments: await project.read('arguments'),
  };
  for (const secret of [...Object.values(SECRETS), AUTH, URL_PAIR]) {
    const leaks = Object.entries(everything).filter(([, text]) => text.includes(secret));
    expect(leaks.map(([where, text]) => `${where}: ${lineWith(text, secret)}`)).toEqual([]);
  }

  // All of it was there to be seen.
  expect(printed['deploy v2 --progress plain']).toContain('log: DB_PASSWORD=***');
  expect(printed['deploy v1 --progress json']).toContain('host: *** ***');
  expect([...told]).toEqual(expect.arrayContaining([AUTH, URL_PAIR, SECRETS.header]));
  expect(printed['deploy v3 --debug']).toMatch(/\[image-missing\]/);
  expect(printed['deploy v4 --build']).toContain('"/***": not found');
  expect(notices.length).toBeGreaterThan(0);
  expect(everything.arguments).toContain('--scale');
  const [release] = await readdir(join(project.directory, '.deploy-bg', 'releases'));
  const frozen = await project.read(`.deploy-bg/releases/${release ?? ''}/release.json`);
  for (const place of ['environment', 'header', 'webhook', 'environmentSecret'] as const)
    expect(frozen).toContain(SECRETS[place]);
});

function lineWith(text: string, secret: string): string {
  return (
    text
      .split('\n')
      .find((line) => line.includes(secret))
      ?.slice(0, 300) ?? ''
  );
}
