import { describe, expect, it } from 'vitest';
import { parse } from '../../../src/cli/parse.ts';
import { completions } from '../../../src/cli/completion.ts';
import { pluginCall } from '../../../src/cli/plugin.ts';
import { DeployError } from '../../../src/core/errors.ts';
import { GLOBALS } from './support.ts';

const invocation = (line: string) => parse(line.split(' '), '1.2.3');

function errorOf(argv: readonly string[]): DeployError {
  try {
    parse(argv, '1.2.3');
  } catch (error) {
    if (error instanceof DeployError) return error;
  }
  throw new Error(`${argv.join(' ')} was accepted`);
}

const DEPLOY = {
  version: 'v1',
  services: [],
  pull: true,
  refresh: false,
  build: false,
  force: false,
  dryRun: false,
  takeOver: false,
  supersede: false,
  attach: false,
  detach: false,
  waitMs: null,
  timeoutMs: null,
};

describe('verbs', () => {
  it('init finds out by itself what it is not told', () => {
    const found = { proxy: null, services: [], dryRun: false, json: false };
    expect(invocation('init')).toMatchObject({ command: 'init', options: found });
    expect(invocation('init --services web,api --proxy nginx --dry-run')).toMatchObject({
      options: { ...found, services: ['web', 'api'], proxy: 'nginx', dryRun: true },
    });
    expect(errorOf(['init', '--proxy', 'traefik']).code).toBe('invalid-usage');
  });

  it('deploy knows its flags', () => {
    expect(invocation('deploy v1')).toEqual({ command: 'deploy', options: DEPLOY, globals: GLOBALS });
    const line = 'deploy v1 --services web,api --services db --timeout 1m30s --no-pull --build --force --dry-run';
    expect(invocation(`${line} --take-over --supersede`)).toMatchObject({
      options: {
        ...{ services: ['web', 'api', 'db'], timeoutMs: 90_000, pull: false, build: true, force: true, dryRun: true },
        ...{ takeOver: true, supersede: true },
      },
    });
  });

  it.each([
    ['', null],
    [' --wait', 300_000],
    [' --wait=90s', 90_000],
  ])('deploy v1%s queues for %s ms', (flag, waitMs) => {
    expect(invocation(`deploy v1${flag} --attach`)).toMatchObject({ options: { ...DEPLOY, attach: true, waitMs } });
  });

  it.each([
    [
      'plan v2 --services web --no-pull --force --json',
      'plan',
      { version: 'v2', services: ['web'], pull: false, build: false, force: true, takeOver: false, json: true },
    ],
    ['status --json --exit-code --watch', 'status', { json: true, exitCode: true, watch: true }],
    ['rollback', 'rollback', { to: null, timeoutMs: null }],
    ['rollback --to r-1 --timeout 20', 'rollback', { to: 'r-1', timeoutMs: 20_000 }],
    ['cleanup --dry-run', 'cleanup', { dryRun: true }],
    ['reset --force', 'reset', { force: true }],
    ['history --json', 'history', { json: true, timeline: false }],
    ['history --timeline', 'history', { json: false, timeline: true }],
    ['events', 'events', { json: false, follow: false, rollout: null, since: null }],
    [
      'events --follow --json --rollout r1 --since 10m',
      'events',
      { json: true, follow: true, rollout: 'r1', since: { agoMs: 600_000 } },
    ],
    ['events --since 2026-01-02', 'events', { since: { at: Date.UTC(2026, 0, 2) } }],
    ['logs', 'logs', { version: null, services: [], tail: 50, since: null, follow: false, json: false }],
    [
      'logs v2 --follow --tail all --since 10m --services web,api --json',
      'logs',
      { version: 'v2', services: ['web', 'api'], tail: 'all', since: { agoMs: 600_000 }, follow: true, json: true },
    ],
    ['doctor --strict --json', 'doctor', { strict: true, json: true }],
    ['install --shim --dir /x', 'install', { shim: true, uninstall: false, dir: '/x' }],
    ['install --uninstall', 'install', { shim: false, uninstall: true, dir: null }],
    ['shell-init fish', 'shell-init', { shell: 'fish' }],
    ['version', 'version', {}],
  ])('%s', (line, command, options) => {
    expect(invocation(line)).toMatchObject({ command });
    expect(invocation(line)).toHaveProperty('options', expect.objectContaining(options));
  });

  it('prints help and version instead of failing', () => {
    expect(invocation('--version')).toEqual({ command: 'text', text: '1.2.3\n' });
    for (const line of ['help', '--help', '-h']) expect(invocation(line)).toEqual(parse([], '1.2.3'));
    expect(invocation('help deploy')).toHaveProperty('text', expect.stringContaining('--take-over'));
  });
});

describe('global flags', () => {
  const compose = {
    files: ['a.yml', 'b.yml'],
    projectName: 'shop',
    envFiles: ['.env', 'more.env'],
    profiles: ['x', 'y'],
    projectDirectory: '/p',
  };
  const composeFlags =
    '-f a.yml --file b.yml -p shop --env-file .env --env-file more.env --profile x --profile y --project-directory /p';
  const dockerFlags = '--config /c --context prod -D -l debug --tlsverify --tlscacert ca --tlscert cert --tlskey key';
  const docker = {
    config: '/c',
    context: 'prod',
    host: null,
    logLevel: 'debug',
    tls: true,
    tlsVerify: true,
    tlsCaCert: 'ca',
    tlsCert: 'cert',
    tlsKey: 'key',
  };

  it.each([
    ['before', `${dockerFlags} ${composeFlags} deploy v1`],
    ['after', `deploy v1 ${dockerFlags} ${composeFlags}`],
    ['on both sides', `${dockerFlags} deploy ${composeFlags} v1`],
    ['around the plugin name', `${dockerFlags} deploybg ${composeFlags} deploy v1`],
    ['around the literal name', `${dockerFlags} deploy-bg deploy v1 ${composeFlags}`],
  ])('%s the verb', (_where, line) => {
    expect(invocation(line)).toMatchObject({ command: 'deploy', globals: { docker, compose, debug: true } });
    expect(invocation(line)).toHaveProperty('options', DEPLOY);
  });

  it('takes the value behind an equals sign too', () => {
    const parsed = invocation('--context=prod --file=a.yml status --project-name=shop');
    expect(parsed).toMatchObject({ globals: { docker: { context: 'prod' } } });
    expect(parsed).toMatchObject({ globals: { compose: { files: ['a.yml'], projectName: 'shop' } } });
  });

  it('knows how to show progress', () => {
    expect(invocation('status --progress json --ansi never -y')).toMatchObject({
      globals: { progress: 'json', ansi: 'never', yes: true },
    });
    expect(invocation('-q deploy v1 --progress tty')).toMatchObject({ globals: { progress: 'quiet' } });
  });

  it('is not confused by a service, project or release called deploybg', () => {
    expect(pluginCall(['-p', 'deploybg', 'status']).argv).toEqual(['-p', 'deploybg', 'status']);
    expect(pluginCall(['rollback', '--to', 'deploybg']).argv).toEqual(['rollback', '--to', 'deploybg']);
  });
});

describe('docker asks', () => {
  it('for help', () => {
    expect(parse(['help', 'deploybg'], '1').command).toBe('text');
    expect(parse(['deploybg', '--help'], '1')).toHaveProperty(
      'text',
      expect.stringMatching(/^Usage: docker deploybg /),
    );
  });

  it('for completions', () => {
    expect(completions(['__complete', 'deploybg', 'st'])).toEqual([
      'status\tshow what serves, what runs and what is left over',
      ':4',
    ]);
    expect(completions(['__complete', 'deploybg', 'ev'])).toEqual(['events\tlist what happened in rollouts', ':4']);
    expect(completions(['__complete', 'deploybg', 'events', '--fo'])).toEqual([
      '--follow\tgo on with what comes, until interrupted',
      ':4',
    ]);
    expect(completions(['__complete', 'deploybg', 'deploy', '--no'])).toEqual([
      '--no-pull\tuse the images that are here',
      ':4',
    ]);
    expect(completions(['__complete', 'deploybg', 'shell-init', ''])).toEqual(['bash', 'zsh', 'fish', ':4']);
    expect(completions(['__complete', 'deploybg', 'agent', 'logs', '--pr'])).toEqual(
      expect.arrayContaining([expect.stringMatching(/^--print\t/)]),
    );
  });
});

describe('bad usage', () => {
  it.each([
    [['deploy', '; rm -rf /'], 'invalid-version'],
    [['deploy', ''], 'invalid-version'],
    [['deploy', '-x1'], 'invalid-usage'],
    [['deploy', '.v1'], 'invalid-version'],
    [['deploy', 'a'.repeat(129)], 'invalid-version'],
    [['deploy', '$(id)'], 'invalid-version'],
    [['deploy', 'v1\n'], 'invalid-version'],
    [['deploy'], 'invalid-usage'],
    [['deploy', 'v1', 'v2'], 'invalid-usage'],
    [['deploy', 'v1', '--services', 'a b'], 'invalid-usage'],
    [['deploy', 'v1', '--services', ''], 'invalid-usage'],
    [['deploy', 'v1', '--timeout', 'soon'], 'invalid-usage'],
    [['deploy', 'v1', '--timeout', '-5s'], 'invalid-usage'],
    [['deploy', 'v1', '--timeout', '0'], 'invalid-usage'],
    [['deploy', '--wait', 'v1'], 'invalid-usage'],
    [['events', '--since', 'noon'], 'invalid-usage'],
    [['status', '--frobnicate'], 'invalid-usage'],
    [['status', '--progress', 'loud'], 'invalid-usage'],
    [['frobnicate'], 'invalid-usage'],
    [['shell-init', 'tcsh'], 'invalid-usage'],
    [['-f'], 'invalid-usage'],
  ])('%j is %s', (argv, code) => {
    expect(errorOf(argv)).toMatchObject({ code, exit: 2 });
  });

  it('says what was probably meant', () => {
    expect(errorOf(['deploi', 'v1'])).toMatchObject({
      message: "unknown command 'deploi'",
      next: 'Did you mean deploy? See docker-deploy-bg help',
    });
  });
});
