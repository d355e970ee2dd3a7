import { execFile } from 'node:child_process';
import { appendFile, chmod, chown, mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ProxyKind, type Run, TestProject } from '../support/project.ts';
import { containerIds, expectError, expectServesAlone, storeOf, unwrapped } from '../support/state.ts';

const NOBODY = 65_534;
const PROXY: ProxyKind = 'caddy';

let project: TestProject;
let before: readonly string[];
let compose: string;

beforeAll(async () => {
  project = await TestProject.create({ proxy: PROXY });
  await Promise.all([project.build('v1'), project.build('v2')]);
  const run = await project.deploy('v1');
  expect(run, run.stderr).toMatchObject({ exit: 0 });
  before = await containerIds(project);
  compose = await readFile(file('compose.yml'), 'utf8');
});
afterAll(() => project.dispose());

function file(...names: string[]): string {
  return join(project.directory, ...names);
}

function state(...names: string[]): string {
  return file('.deploy-bg', ...names);
}

/** The same containers as before, and once the cause is gone everything agrees that v1 serves. */
async function expectNothingChanged(): Promise<void> {
  expect(await containerIds(project)).toEqual(before);
  await expectServesAlone(project, { version: 'v1', color: 'blue', releases: ['v1'] });
}

/** A file with another content, for as long as the work takes. */
async function withContent(path: string, content: string, work: () => Promise<void>): Promise<void> {
  const original = await readFile(path);
  await writeFile(path, content);
  try {
    await work();
  } finally {
    await writeFile(path, original);
  }
}

describe('a compose file', () => {
  it.each([
    { what: 'that cannot be parsed', to: 'services: [no { yaml', code: 'compose-rejected', says: /compose\.yml:\d+: / },
    {
      what: 'with an unknown key',
      from: 'drain_timeout: 12s',
      to: 'drain_tmeout: 12s',
      says: /compose\.yml:\d+: E01 .*drain_tmeout/,
    },
    {
      what: 'with a negative time',
      from: 'drain_timeout: 12s',
      to: 'drain_timeout: -12s',
      says: /compose\.yml:\d+: E04 .*drain_timeout/,
    },
    { what: 'with a negative monitor', from: 'monitor: 1s', to: 'monitor: -1s', says: /compose\.yml:\d+: .*monitor/ },
  ])('is refused with its place: one $what', async ({ from, to, code = 'invalid-config', says }) => {
    const edited = from === undefined ? to : compose.replace(from, to);
    await withContent(file('compose.yml'), edited, async () => {
      const run = await project.deploy('v2');
      expectError(run, { exit: 2, code });
      expect(unwrapped(run)).toMatch(says);
    });
    await expectNothingChanged();
  });
});

describe('a command line', () => {
  it.each(['; rm -rf /', '$(reboot)', '../v2', '-v2', ''])('with the version %j is refused', async (version) => {
    expectError(await project.run(['deploy', '--', version]), { exit: 2, code: 'invalid-version' });
    await expectNothingChanged();
  });

  it.each([
    ['HEALTH_CHECK_TIMEOUT', '-5'],
    ['DRAIN_TIMEOUT', 'soon'],
  ])('with %s=%s is refused', async (name, value) => {
    const run = await project.run(['deploy', 'v2'], { env: { [name]: value } });
    expectError(run, { exit: 2, code: 'invalid-config' });
    expect(unwrapped(run)).toContain(`${name}="${value}" is no duration`);
    await expectNothingChanged();
  });
});

describe('the state folder', () => {
  it('with a journal whose last line is torn goes on without that line', async () => {
    const journal = await readFile(state('journal.ndjson'), 'utf8');
    await withContent(state('journal.ndjson'), `${journal}{"kind":"event","at":17`, async () => {
      expect(await project.status()).toMatchObject({ live: { version: 'v1' }, disagreements: [] });
      expect(await project.deploy('v1')).toMatchObject({ exit: 0 });
    });
    await expectNothingChanged();
  });

  it('with an empty journal takes the proxy’s and the labels’ word for what serves', async () => {
    await withContent(state('journal.ndjson'), '', async () => {
      expect(await project.status()).toMatchObject({ live: { version: 'v1', color: 'blue' }, leftovers: [] });
      expect(await project.deploy('v1')).toMatchObject({ exit: 0 });
    });
    await expectNothingChanged();
  });

  it.each([
    ['a damaged journal', 'journal.ndjson', (text: string) => text.replace('{', '<'), 'line 1 is damaged'],
    [
      'a journal of a newer format',
      'journal.ndjson',
      (text: string) => text.replace('"format":1', '"format":2'),
      'a newer version',
    ],
    ['an empty release', 'release.json', () => '', 'release.json cannot be read'],
    ['a torn release', 'release.json', (text: string) => text.slice(0, 100), 'release.json cannot be read'],
    [
      'a release of a newer format',
      'release.json',
      (text: string) => text.replace('"format":1', '"format":2'),
      'a format that this version',
    ],
    ['a color that is none', '.deployment-color', () => 'red\n', 'neither blue nor green'],
  ])('with %s is refused, and nothing of it is lost', async (_what, name, damage, says) => {
    const path = await pathOf(name);
    const damaged = damage(await readFile(path, 'utf8'));
    await withContent(path, damaged, async () => {
      for (const args of [['deploy', 'v2'], ['rollback'], ['cleanup'], ['status']]) {
        const run = await project.run(args);
        expectError(run, { exit: 5, code: 'state-unreadable' });
        expect(unwrapped(run)).toContain(says);
      }
      expect(await readFile(path, 'utf8')).toBe(damaged);
    });
    await expectNothingChanged();
  });
});

async function pathOf(name: string): Promise<string> {
  if (name === '.deployment-color') return file(name);
  if (name !== 'release.json') return state(name);
  const [release] = await storeOf(project).releases();
  return state('releases', release?.id ?? '', name);
}

describe('a project folder', () => {
  it('whose state belongs to somebody else is refused', async () => {
    await chmod(project.directory, 0o755);
    const run = await asNobody(['deploy', 'v2']);
    expectError(run, { exit: 5, code: 'state-unreadable' });
    expect(unwrapped(run)).toContain('permission denied');
    await expectNothingChanged();
  });

  it('that cannot be written is refused, and status reads it all the same', async () => {
    await own(NOBODY, 0o500);
    try {
      expectError(await asNobody(['deploy', 'v2']), { exit: 5, code: 'state-unwritable' });
      const { exit, stdout, stderr } = await asNobody(['status', '--json']);
      expect(exit, stderr).toBe(0);
      expect(JSON.parse(stdout)).toMatchObject({ live: { version: 'v1' }, disagreements: [] });
    } finally {
      await own(process.getuid?.() ?? 0, 0o700);
    }
    await expectNothingChanged();
  });
});

/** Gives the project folder and the state to somebody, and its folders a mode. */
async function own(uid: number, mode: number): Promise<void> {
  const names = await readdir(project.directory, { recursive: true });
  const paths = names.filter((name) => !name.startsWith('proxy')).map((name) => file(name));
  for (const path of [project.directory, ...paths]) {
    if (process.getuid?.() === 0) await chown(path, uid, -1);
    if ((await stat(path)).isDirectory()) await chmod(path, mode);
  }
}

/** Modes mean nothing to root: as a user who may talk to the engine, and nothing else. */
async function asNobody(args: readonly string[]): Promise<Run> {
  if (process.getuid?.() !== 0) return project.run(args);
  const { gid } = await stat('/var/run/docker.sock');
  const own = ['--reuid', String(NOBODY), '--regid', String(gid), '--clear-groups'];
  return project.run(args, { as: ['setpriv', ...own], env: { HOME: '/nonexistent' } });
}

describe('without', () => {
  it('an engine nothing is done', async () => {
    const env = { DOCKER_HOST: 'unix:///nonexistent/docker.sock' };
    for (const args of [['deploy', 'v2'], ['rollback'], ['cleanup'], ['status']]) {
      expectError(await project.run(args, { env }), { exit: 7, code: 'engine-unreachable' });
    }
    await expectNothingChanged();
  });

  it.each([
    ['Compose', ['compose']],
    ['docker', ['compose', 'version', 'context', 'image']],
  ])('%s a deploy is refused with what to install', async (what, missing) => {
    const folder = await pathWithout(missing, what === 'docker');
    const run = await project.run(['deploy', 'v2'], { env: { PATH: folder } });
    expectError(run, { exit: 7, code: 'compose-missing' });
    expect(unwrapped(run)).toContain('Docker Compose 2.27 or later');
    await expectNothingChanged();
  });
});

/** A folder for PATH with node in it, and a docker without some commands, or none at all. */
async function pathWithout(commands: readonly string[], all: boolean): Promise<string> {
  const folder = file('bin', commands.join('-'));
  await mkdir(folder, { recursive: true });
  await promisify(execFile)('ln', ['-sf', process.execPath, join(folder, 'node')]);
  if (all) return folder;
  const refusal = `echo "docker: '$1' is not a docker command." >&2; exit 1`;
  const { stdout } = await promisify(execFile)('which', ['docker']);
  const cases = commands.map((name) => `${name}) ${refusal} ;;`).join('\n');
  await appendFile(join(folder, 'docker'), `#!/bin/sh\ncase "$1" in\n${cases}\nesac\nexec ${stdout.trim()} "$@"\n`);
  await chmod(join(folder, 'docker'), 0o755);
  return folder;
}
