import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { build } from 'esbuild';
import { stringify } from 'yaml';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import pkg from '../../package.json' with { type: 'json' };

const ROOT = resolve(import.meta.dirname, '../..');
const COMMON = {
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node20.19',
  absWorkingDir: ROOT,
  packages: 'external',
} as const;

let folder = '';
let cli = '';

beforeAll(async () => {
  // Inside of the project, so that packages are found.
  mkdirSync(join(ROOT, 'node_modules/.cache'), { recursive: true });
  folder = mkdtempSync(join(ROOT, 'node_modules/.cache/cli-'));
  const outdir = join(folder, 'dist');
  const entryPoints = ['cmd/docker-deploy-bg.ts'];
  await build({ ...COMMON, entryPoints, outdir, splitting: true });
  cli = join(outdir, 'docker-deploy-bg.js');
  chmodSync(cli, 0o755);
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

const METADATA = {
  SchemaVersion: '0.1.0',
  Vendor: 'deploy-bg',
  Version: pkg.version,
  ShortDescription: 'Replace the running version of a Compose project without losing a request',
};

describe('the executable', () => {
  const call = (...words: string[]) => spawnSync(cli, words, { encoding: 'utf8' });

  it('answers the metadata', () => {
    const { stdout, stderr, status } = call('docker-cli-plugin-metadata');
    expect({ answer: JSON.parse(stdout) as unknown, stderr, status }).toEqual({
      answer: METADATA,
      stderr: '',
      status: 0,
    });
  });

  it('ends with the codes of the table and without a stack trace', () => {
    expect(call('version')).toMatchObject({ status: 0, stdout: `${pkg.version}\n`, stderr: '' });
    const bad = call('deploy', '; rm -rf /');
    expect(bad).toMatchObject({ status: 2, stdout: '' });
    expect(bad.stderr).not.toMatch(/^\s+at /m);
  });

  it('does not mind a reader that goes away', () => {
    expect(
      spawnSync('sh', ['-c', `"$0" help 2>&1 | true; "$0" version | head -n 1`, cli], { encoding: 'utf8' }),
    ).toMatchObject({
      stdout: `${pkg.version}\n`,
      stderr: '',
    });
  });
});

describe('lint', () => {
  const SILENT = { ...process.env, DOCKER_HOST: 'unix:///nobody/listens/here.sock' };

  /** What it says of a compose file, with no engine in reach. */
  function lint(keys: object, words: readonly string[] = [], more: object = {}) {
    const project = mkdtempSync(join(tmpdir(), 'deploy-bg-lint-'));
    try {
      const web = { image: 'web:${VERSION}', 'x-deploy-bg': keys, ...more };
      const file = { name: 'shop', services: { web } };
      writeFileSync(join(project, 'compose.yml'), stringify({ ...file, 'x-deploy-bg': { proxy: { driver: 'none' } } }));
      return spawnSync(cli, ['lint', ...words], { encoding: 'utf8', cwd: project, env: SILENT });
    } finally {
      rmSync(project, { recursive: true });
    }
  }

  it('says what a deploy would do, where nothing is wrong', () => {
    const fine = lint({ strategy: 'recreate' }, ['--strict']);
    expect(fine).toMatchObject({ status: 0, stdout: 'shop: 0 warnings; a deploy replaces web (recreate)\n' });
  });

  it('names the line of what a deploy would refuse', () => {
    const wrong = lint({ strategy: 'blue' });
    expect(wrong).toMatchObject({ status: 2, stdout: '' });
    expect(wrong.stderr).toContain('compose.yml:6: E01');
  });

  it('lets warnings pass, unless somebody is strict', () => {
    // Its monitor is over before that can fail.
    const slow = { healthcheck: { test: ['CMD', 'true'], interval: '1m' } };
    const [lax, strict] = [lint({}, [], slow), lint({}, ['--strict'], slow)];
    expect([lax.status, strict.status]).toEqual([0, 1]);
    expect(lax.stdout).toMatch(/^compose\.yml:\d+: W02 /);
  });

  it('prints the schema that the package has', () => {
    const published = readFileSync(join(ROOT, 'docs/compose-file.schema.json'), 'utf8');
    expect(lint({}, ['--schema']).stdout).toBe(published);
  });
});

describe('as a plugin of docker', () => {
  const config = (): string => join(folder, 'config');
  const docker = (...words: string[]): string =>
    execFileSync('docker', words, { encoding: 'utf8', env: { ...process.env, DOCKER_CONFIG: config() } });

  beforeAll(() => {
    execFileSync(cli, ['install'], { env: { ...process.env, DOCKER_CONFIG: config() } });
  });

  it('is found, without a warning', () => {
    const plugins = JSON.parse(docker('info', '--format', '{{json .ClientInfo.Plugins}}')) as { Name: string }[];
    expect(plugins.find(({ Name }) => Name === 'deploybg')).toMatchObject(METADATA);
    expect(plugins.filter((plugin) => 'Err' in plugin)).toEqual([]);
  });

  it('runs, whatever global flags stand around its name', () => {
    expect(docker('deploybg', 'version')).toBe(`${pkg.version}\n`);
    expect(docker('--context', 'default', '-D', 'deploybg', '-f', 'x.yml', 'version')).toBe(`${pkg.version}\n`);
    expect(docker('deploybg', 'version', '-c', 'default')).toBe(`${pkg.version}\n`);
    expect(docker('help', 'deploybg')).toMatch(/^Usage: docker deploybg /);
    expect(docker('deploybg', '--help')).toMatch(/^Usage: docker deploybg /);
    expect(docker('__complete', 'deploybg', 'roll')).toContain('rollback\tgo back');
  });
});

/** A command that says what it hears and ends two seconds after its first interruption. */
const LISTENER = `
import { watchInterrupts } from './src/cli/interrupts.ts';
if (process.argv[2] === 'docker-cli-plugin-metadata') {
  console.log('${JSON.stringify(METADATA)}');
  process.exit();
}
const { signal } = watchInterrupts({
  onAbort: () => { console.log('abort'); setTimeout(() => process.exit(1), 2000); },
  onStop: () => { console.log('stop'); process.exit(130); },
}, process.env);
console.log('ready ' + process.pid);
setInterval(() => signal.aborted, 1000);
`;

function end(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended by itself.
  }
}

describe('interruptions', { timeout: 20_000 }, () => {
  let listener = '';
  const started: number[] = [];
  afterEach(() => {
    for (const pid of started.splice(0)) end(pid);
  });
  beforeAll(async () => {
    const plugins = join(folder, 'listening', 'cli-plugins');
    mkdirSync(plugins, { recursive: true });
    listener = join(folder, 'listener.mjs');
    const stdin = { contents: LISTENER, resolveDir: ROOT, loader: 'ts' } as const;
    await build({ ...COMMON, stdin, outfile: listener, banner: { js: '#!/usr/bin/env node' } });
    chmodSync(listener, 0o755);
    symlinkSync(listener, join(plugins, 'docker-deploybg'));
  });

  interface Heard {
    readonly child: ChildProcess;
    readonly pid: number;
    readonly text: () => string;
    readonly ended: Promise<number | null>;
  }

  async function start(command: string, words: readonly string[] = []): Promise<Heard> {
    const env = { ...process.env, DOCKER_CONFIG: join(folder, 'listening') };
    const child = spawn(command, words, { env, stdio: ['ignore', 'pipe', 'inherit'] });
    let text = '';
    child.stdout.on('data', (chunk: Buffer) => (text += chunk.toString()));
    const ended = new Promise<number | null>((done) => child.on('close', done));
    while (!text.includes('ready')) await sleep(20);
    const pid = Number(/ready (\d+)/.exec(text)?.[1]);
    started.push(pid, child.pid ?? pid);
    return { child, pid, text: () => text, ended };
  }

  it.each(['SIGINT', 'SIGTERM'] as const)('%s aborts, the second one stops at once', async (signal) => {
    const { child, text, ended } = await start(listener);
    child.kill('SIGHUP');
    await sleep(100);
    expect(text()).not.toContain('abort');
    child.kill(signal);
    await sleep(200);
    expect(text()).toContain('abort');
    child.kill(signal);
    expect(await ended).toBe(130);
    expect(text()).toContain('stop');
  });

  it('come through docker', async () => {
    const { child, text, ended } = await start('docker', ['deploybg', 'x']);
    await sleep(200);
    child.kill('SIGTERM');
    await ended;
    expect(text()).toContain('abort');
    expect(text()).not.toContain('stop');
  });

  it('through the terminal and docker at the same time are one', async () => {
    const { child, pid, text, ended } = await start('docker', ['deploybg', 'x']);
    process.kill(pid, 'SIGINT');
    child.kill('SIGINT');
    await ended;
    expect(text()).toContain('abort');
    expect(text()).not.toContain('stop');
  });

  it('are not meant when docker dies', async () => {
    const { child, pid, text } = await start('docker', ['deploybg', 'x']);
    child.kill('SIGKILL');
    await sleep(500);
    expect(text()).not.toContain('abort');
    expect(() => process.kill(pid, 0)).not.toThrow();
  });
});
