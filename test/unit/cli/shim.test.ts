import { execFileSync, spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { run as install } from '../../../src/cli/commands/install.ts';
import { findDocker } from '../../../src/cli/docker-binary.ts';
import { shellFunction } from '../../../src/cli/install/shell-function.ts';
import { shellWord } from '../../../src/cli/install/shell-words.ts';
import { shimScript } from '../../../src/cli/install/shim.ts';
import type { CommandOptions } from '../../../src/cli/invocation.ts';
import type { Session } from '../../../src/cli/session.ts';
import { fakeIo, GLOBALS } from './support.ts';

let root = '';
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "shim's "));
});
afterEach(() => {
  rmSync(root, { recursive: true });
});

/** An executable that prints its name and the words it was given. */
function program(folder: string, name: string, says: string): string {
  mkdirSync(join(root, folder), { recursive: true });
  const file = join(root, folder, name);
  writeFileSync(file, `#!/bin/sh\nprintf '%s' '${says}'; printf ' [%s]' "$@"; exit 42\n`);
  chmodSync(file, 0o755);
  return file;
}

function shim(folder: string, ours: string): string {
  const file = program(folder, 'docker', '');
  writeFileSync(file, shimScript(ours));
  return file;
}

const path = (...folders: string[]): string => [...folders.map((f) => join(root, f)), '/usr/bin', '/bin'].join(':');

const TO_US = [
  ['deploy-bg'],
  ['deploy-bg', 'deploy', 'v1'],
  ['--context', 'prod', 'deploy-bg', 'status'],
  ['-c', 'prod', '-D', '-H', 'tcp://x', '--tls', '-l', 'debug', 'deploy-bg'],
  ['--context=prod', '-cprod', '--config', '/c d', '--tlsverify', 'deploy-bg', 'a b', '', '*'],
  ['help', 'deploy-bg'],
];
const TO_DOCKER = [
  [],
  ['ps', '-a', '', 'a b', '*'],
  ['run', 'deploy-bg'],
  ['--context', 'deploy-bg'],
  ['--context', 'prod', 'ps'],
  ['deploybg', 'status'],
  ['help'],
  ['help', 'ps'],
  ['-v', 'deploy-bg'],
  ['--context'],
];
const said = (words: readonly string[]): string => (words.length ? words : ['']).map((word) => ` [${word}]`).join('');

describe('launcher', () => {
  const call = (words: readonly string[]) => {
    const file = shim('a', program('ours', 'docker-deploy-bg', 'ours'));
    program('b', 'docker', 'real');
    return spawnSync(file, words, { encoding: 'utf8', env: { PATH: path('a', 'b') } });
  };

  it.each(TO_US.map((words) => [words]))('hands %j to us', (words) => {
    expect(call(words)).toMatchObject({ stdout: `ours${said(words)}`, status: 42 });
  });

  it.each(TO_DOCKER.map((words) => [words]))('becomes docker for %j', (words) => {
    expect(call(words)).toMatchObject({ stdout: `real${said(words)}`, status: 42 });
  });

  it('does not run in circles', () => {
    const ours = program('ours', 'docker-deploy-bg', 'ours');
    const first = shim('a', ours);
    shim('b', ours);
    mkdirSync(join(root, 'linked'));
    symlinkSync(first, join(root, 'linked', 'docker'));
    program('c', 'docker', 'real');
    const ps = (...folders: string[]) =>
      spawnSync('docker', ['ps'], { encoding: 'utf8', env: { PATH: path(...folders) }, timeout: 5000 });
    expect(ps('a', 'b', 'linked', 'a', 'c').stdout).toBe('real [ps]');
    expect(ps('linked', 'a', 'c').stdout).toBe('real [ps]');
    const without = { PATH: [join(root, 'a'), join(root, 'b')].join(':') };
    const nowhere = spawnSync(first, ['ps'], { encoding: 'utf8', env: without, timeout: 5000 });
    expect(nowhere).toMatchObject({
      status: 127,
      stderr: expect.stringContaining('no docker in PATH besides') as string,
    });
    expect(spawnSync(first, ['ps'], { encoding: 'utf8', env: { PATH: path('c') } }).stdout).toBe('real [ps]');
  });

  it('does not run in circles with a wrapper of its user that stands before it', () => {
    const launcher = shim('b', program('ours', 'docker-deploy-bg', 'ours'));
    writeFileSync(program('a', 'docker', ''), `#!/bin/sh\nexec ${shellWord(launcher)} "$@"\n`);
    program('c', 'docker', 'real');
    const ps = (...folders: string[]) =>
      spawnSync('docker', ['ps'], { encoding: 'utf8', env: { PATH: path(...folders) }, timeout: 5000 }).stdout;
    expect(ps('a', 'b', 'c')).toBe('real [ps]');
    expect(ps('a', 'b', 'c', 'b')).toBe('real [ps]');
    const nowhere = { PATH: [join(root, 'a'), join(root, 'b')].join(':') };
    expect(spawnSync('docker', ['ps'], { encoding: 'utf8', env: nowhere, timeout: 5000 }).status).toBe(127);
  });

  it('finds docker also where it stands only before it', () => {
    const launcher = shim('b', program('ours', 'docker-deploy-bg', 'ours'));
    program('a', 'docker', 'real');
    const only = { PATH: [join(root, 'a'), join(root, 'b')].join(':') };
    expect(spawnSync(launcher, ['ps'], { encoding: 'utf8', env: only, timeout: 5000 }).stdout).toBe('real [ps]');
  });

  it('says so when we are gone', () => {
    const file = shim('a', join(root, 'nowhere'));
    const gone = spawnSync(file, ['deploy-bg'], { encoding: 'utf8', env: { PATH: path('a') } });
    expect(gone).toMatchObject({ status: 127, stderr: expect.stringContaining('docker-deploy-bg is gone') as string });
  });

  it('is not taken for docker', () => {
    shim('a', 'x');
    expect(findDocker({ PATH: join(root, 'a') })).toBeNull();
    mkdirSync(join(root, 'b', 'docker'), { recursive: true });
    mkdirSync(join(root, 'c'));
    writeFileSync(join(root, 'c', 'docker'), 'not executable', { mode: 0o644 });
    const real = program('d', 'docker', 'real');
    expect(findDocker({ PATH: path('a', 'b', 'c', 'nowhere', 'd') })).toBe(real);
    expect(findDocker({})).toBeNull();
  });
});

describe('shell function', () => {
  const shells = ['bash', 'zsh'].filter((shell) => spawnSync(shell, ['-c', 'true']).status === 0) as ('bash' | 'zsh')[];

  it.each(shells)('has the same effect in %s', (shell) => {
    const ours = program('ours', 'docker-deploy-bg', 'ours');
    program('b', 'docker', 'real');
    const call = (words: readonly string[]): string => {
      const script = `${shellFunction(shell, ours)}\ndocker "$@"`;
      return spawnSync(shell, ['-c', script, shell, ...words], { encoding: 'utf8', env: { PATH: path('b') } }).stdout;
    };
    for (const words of TO_US) expect(call(words)).toBe(`ours${said(words)}`);
    for (const words of TO_DOCKER) expect(call(words)).toBe(`real${said(words)}`);
  });

  it('is quoted for fish', () => {
    expect(shellFunction('fish', "/it's/x")).toContain("'/it\\'s/x' $argv");
  });
});

describe('install', () => {
  const setUp = (env: Record<string, string> = {}) => {
    const executable = program('package', 'docker-deploy-bg.js', 'ours');
    program('usr', 'docker', 'real');
    mkdirSync(join(root, 'home'), { recursive: true });
    const io = fakeIo(
      { HOME: join(root, 'home'), PATH: [join(root, 'usr'), '/usr/bin', '/bin'].join(':'), ...env },
      { executable, cwd: root },
    );
    const call = (options: Partial<CommandOptions['install']>) =>
      install({ shim: false, uninstall: false, dir: null, ...options }, { io, globals: GLOBALS } as unknown as Session);
    return { io, executable, call, plugin: join(root, 'home', '.docker', 'cli-plugins', 'docker-deploybg') };
  };

  it('links the plugin, again and again, and takes the link away', async () => {
    const { executable, call, plugin, io } = setUp();
    await call({});
    await call({});
    expect(readlinkSync(plugin)).toBe(executable);
    expect(execFileSync('sh', ['-c', '"$0"; true', plugin], { encoding: 'utf8' })).toContain('ours');
    await call({ uninstall: true });
    expect(existsSync(plugin)).toBe(false);
    expect(io.stdout.lines.at(-1)).toBe(`removed ${plugin}`);
    await call({ uninstall: true });
    expect(io.stdout.lines.at(-1)).toBe('nothing of ours was installed');
  });

  it('uses the folder of DOCKER_CONFIG', async () => {
    const { call, executable } = setUp({ DOCKER_CONFIG: join(root, 'config') });
    await call({});
    expect(readlinkSync(join(root, 'config', 'cli-plugins', 'docker-deploybg'))).toBe(executable);
  });

  it('touches no file of others', async () => {
    const { call, plugin } = setUp();
    program('home/.docker/cli-plugins', 'docker-deploybg', 'other');
    expect(() => call({})).toThrow(expect.objectContaining({ code: 'not-possible', exit: 5 }));
    await call({ uninstall: true });
    expect(existsSync(plugin)).toBe(true);
    expect(() => call({ shim: true, dir: 'usr' })).toThrow(/docker-deploybg exists and is not ours/);
    rmSync(plugin);
    expect(() => call({ shim: true, dir: 'usr' })).toThrow(/usr\/docker exists and is not ours/);
  });

  it('puts the launcher before the real docker where it may write', async () => {
    mkdirSync(join(root, 'first'));
    const { call, io } = setUp({ PATH: path('nowhere', 'first', 'usr') });
    await call({ shim: true });
    const file = join(root, 'first', 'docker');
    expect(io.stdout.text).toContain(`docker deploy-bg works: ${file}\n`);
    const words = spawnSync('docker', ['deploy-bg', 'x'], { encoding: 'utf8', env: { PATH: path('first', 'usr') } });
    expect(words.stdout).toBe('ours [deploy-bg] [x]');
    await call({ uninstall: true });
    expect(existsSync(file)).toBe(false);
    expect(existsSync(join(root, 'usr', 'docker'))).toBe(true);
  });

  it('prints the one line to type where no folder will do', async () => {
    const { call, io } = setUp();
    await call({ shim: true });
    const line = io.stdout.lines.at(-1)?.trim() ?? '';
    const script = `PATH=${shellWord(path('usr'))}; ${line}; docker deploy-bg y`;
    expect(spawnSync('sh', ['-c', script], { encoding: 'utf8' }).stdout).toBe('ours [deploy-bg] [y]');
    await call({ uninstall: true });
    expect(existsSync(join(root, 'home/.local/share/docker-deploy-bg/bin/docker'))).toBe(false);
  });

  it('names start-up files instead of editing them', async () => {
    const { call, io } = setUp();
    writeFileSync(join(root, 'home', '.bashrc'), 'eval "$(docker-deploy-bg shell-init bash)"\n');
    await call({ uninstall: true });
    expect(io.stdout.text).toContain(`out of ${join(root, 'home', '.bashrc')}`);
  });
});
