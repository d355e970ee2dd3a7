import { chmod, cp, mkdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type ErrorCode, ERRORS } from '../../src/core/errors.ts';
import { ok, type ProjectOptions, type Run, type RunOptions, TestProject, until } from '../support/project.ts';
import { containerIds, expectServesAlone, storeOf, unwrapped } from '../support/state.ts';

let project: TestProject;
let compose: string;
let before: readonly string[];
const servers: Server[] = [];

beforeAll(async () => {
  project = await TestProject.create({ proxy: 'caddy' });
  await Promise.all([
    project.build('v1'),
    project.build('v2'),
    project.build('v3'),
    project.build('dead', { APP_EXIT_AFTER_MS: '100', APP_EXIT_CODE: '42' }),
    project.build('deaf', { APP_NEVER_HEALTHY: '1' }),
  ]);
  await ok(project.deploy('v1'));
  compose = await project.read('compose.yml');
  before = await containerIds(project);
});
afterEach(async () => {
  for (const server of servers.splice(0)) server.close();
  await project.write('compose.yml', compose);
  expect(await containerIds(project)).toEqual(before);
  await expectServesAlone(project, { version: 'v1', color: 'blue', releases: ['v1'] });
});
afterAll(() => project.dispose());

const OFTEN = { test: 'true', interval: '1s' };

type Scene = () => Promise<Run>;

/** What a person does to be told so; v1 serves before and after. `null`: see its own test. */
const SCENES: Readonly<Record<ErrorCode, Scene | null>> = {
  'invalid-config': edited('drain_timeout: 12s', 'drain_tmeout: 12s'),
  'invalid-version': typed('deploy', 'v2:latest'),
  'invalid-usage': typed('deploy', 'v2', '--services', 'nobody'),
  'nothing-depends-on-version': edited('${VERSION', '${RELEASE'),
  'compose-rejected': edited('services:', 'services: [no { yaml'),
  'image-missing': typed('deploy', 'v9', '--no-pull'),
  'registry-unreachable': () => ofRegistry('127.0.0.1:9'),
  'registry-refused': () =>
    answering((_, response) => {
      response.writeHead(401, { 'www-authenticate': 'Basic realm="registry"' }).end();
    }).then((port) => ofRegistry(`127.0.0.1:${String(port)}`)),
  'proxy-not-wired': first({}, (text) => text.replaceAll('import', '# import')),
  'proxy-rejected': async () => {
    await project.write('broken.hbs', 'nonsense {\n');
    await project.edit({ settings: { proxy: { service: 'proxy', template: 'broken.hbs' } } });
    return project.deploy('v2');
  },
  'proxy-unreachable': first({
    settings: { progress_deadline: '5s' },
    proxyService: { command: ['sleep', '60'] },
  }),
  'shared-failed': first({ proxyService: { healthcheck: OFTEN } }, (text) => `${text}\nnonsense {`),
  'rollout-failed': typed('deploy', 'dead'),
  'rollout-paused': atGate(() => project.deploy('v2')),
  'way-back-paused': atGate(async () => {
    await project.deploy('v2');
    return withoutOutput(() => project.run(['abort']));
  }),
  locked: whileDeploying((other) => project.run(['cleanup']).finally(other.stop)),
  'foreign-store': async () => {
    const copy = `${project.directory}-copy`;
    await cp(project.directory, copy, { recursive: true, filter: (path) => !path.includes('deploy-bg/') });
    await rm(join(copy, '.deploy-bg'), { recursive: true });
    return project.run(['deploy', 'v2'], { cwd: copy }).finally(() => rm(copy, { recursive: true }));
  },
  'nothing-to-go-back-to': typed('rollback'),
  'unknown-release': typed('rollback', '--to', 'v9'),
  'not-possible': typed('promote'),
  'not-allowed': null,
  'not-confirmed': typed('reset'),
  'state-unreadable': async () => {
    const journal = join(project.directory, '.deploy-bg', 'journal.ndjson');
    const text = await readFile(journal, 'utf8');
    await writeFile(journal, text.replace('{', '<'));
    return project.deploy('v2').finally(() => writeFile(journal, text));
  },
  'state-unwritable': typed('deploy', 'v2', { env: { DEPLOY_BG_STATE_DIR: '/sys/deploy-bg' } }),
  superseded: whileDeploying(async (other) => {
    await project.run(['deploy', 'v3', '--supersede', '--timeout', '1s']);
    return other.ended;
  }),
  'engine-unreachable': typed('deploy', 'v2', { env: { DOCKER_HOST: 'unix:///nowhere.sock' } }),
  'compose-missing': async () => {
    const bin = join(project.directory, 'bin');
    await mkdir(bin);
    await symlink(process.execPath, join(bin, 'node'));
    return project.run(['deploy', 'v2'], { env: { PATH: bin } }).finally(() => rm(bin, { recursive: true }));
  },
  'agent-unreachable': first({}, (text) => text, '--detach'),
  'engine-failed': async () => {
    const socket = join(project.directory, 'engine.sock');
    await answering((_, response) => response.writeHead(500).end('{"message": "no space left on device"}'), socket);
    return project.run(['deploy', 'v2'], { env: { DOCKER_HOST: `unix://${socket}` } });
  },
  // What an agent runs has all the time it needs.
  timeout: typed('deploy', 'deaf', '--timeout', '1s', '--attach'),
  interrupted: whileDeploying((other) => {
    other.stop();
    return other.ended;
  }),
  internal: typed('deploy', 'v2', {
    env: { NODE_OPTIONS: '--import data:text/javascript,Array.prototype.toSorted=1' },
  }),
};

describe('the error', () => {
  it.each(Object.entries(SCENES).filter(([, scene]) => scene !== null))(
    '%s says what happened, what serves and what to do next, and v1 serves',
    async (name, scene) => {
      const code = name as ErrorCode;
      const run = await (scene ?? typed())();
      if (process.env['DEPLOY_BG_TEST_SHOW'] === '1') console.log(run.stderr);
      expect(run, run.stderr).toMatchObject({ exit: ERRORS[code].exit });
      expect(unwrapped(run)).toContain(`[${code}]`);
      expect(run.stderr).toMatch(/^ {2}next: +\S/m);
      expect(run.stderr).not.toMatch(/^\s+at .*:\d+:\d+/m);
    },
  );
});

/** A command as it is typed. */
function typed(...line: readonly (string | RunOptions)[]): Scene {
  const args = line.filter((word) => typeof word === 'string');
  const [options = {}] = line.filter((word) => typeof word !== 'string');
  return () => project.run(args, options);
}

/** A deploy after an edit of the compose file. */
function edited(from: string, to: string): Scene {
  return async () => {
    await project.write('compose.yml', compose.replaceAll(from, to));
    return project.deploy('v2');
  };
}

/** The first deploy of a project whose proxy is like this. */
function first(
  options: Omit<ProjectOptions, 'proxy'>,
  edit = (text: string): string => text,
  ...args: readonly string[]
): Scene {
  return async () => {
    const fresh = await TestProject.create({ proxy: 'caddy', ...options });
    await Promise.all([fresh.build('v1'), fresh.write('proxy/Caddyfile', edit(await fresh.read('proxy/Caddyfile')))]);
    return fresh.deploy('v1', ...args).finally(() => fresh.dispose());
  };
}

/** A deploy whose image is at some registry. */
async function ofRegistry(registry: string): Promise<Run> {
  await project.edit({ web: { image: `${registry}/web:\${VERSION:-v1}` } });
  return project.deploy('v2');
}

/** Something that answers in the place of a registry or an engine. @returns its port */
async function answering(answer: RequestListener, socket: string | null = null): Promise<number> {
  const server = createServer(answer);
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(socket ?? { port: 0, host: '127.0.0.1' }, resolve));
  return socket === null ? (server.address() as AddressInfo).port : 0;
}

/** With a person asked for before the traffic moves, and taken back afterwards. */
function atGate(work: Scene): Scene {
  return async () => {
    await project.edit({ settings: { promote: 'manual', progress_deadline: '5s' } });
    const run = await work();
    await project.run(['rollback']);
    return run;
  };
}

/** Without the folder that the proxy's files are written to. */
async function withoutOutput(work: Scene): Promise<Run> {
  const folder = join(project.directory, 'proxy', 'deploy-bg');
  await rename(folder, `${folder}-away`);
  await writeFile(folder, '');
  try {
    return await work();
  } finally {
    await rm(folder);
    await rename(`${folder}-away`, folder);
    await chmod(folder, 0o755);
  }
}

interface Other {
  readonly ended: Promise<Run>;
  /** As Ctrl-C. */
  readonly stop: () => void;
}

/** While somebody stays at the gate of v2. */
function whileDeploying(work: (other: Other) => Promise<Run>): Scene {
  return async () => {
    await project.edit({ settings: { promote: 'manual' } });
    const other = project.spawn(['deploy', 'v2', '--attach']);
    const isPaused = async (): Promise<boolean> => (await storeOf(project).rollouts()).at(-1)?.state === 'paused';
    await until('v2 to wait at its gate', isPaused, 60_000);
    const ended = other.then(({ exitCode = -1, stdout, stderr }): Run => ({
      exit: exitCode,
      stdout,
      stderr,
      endedAt: 0,
    }));
    const run = await work({ ended, stop: () => other.kill('SIGINT') });
    await ended;
    await project.run(['abort']);
    return run;
  };
}
