import { tmpdir } from 'node:os';
import Docker from 'dockerode';
import { describe, expect, it } from 'vitest';
import type { CommandEnd } from '../../../src/adapters/commands/command.ts';
import { createCommands, type Commands } from '../../../src/adapters/commands/commands.ts';
import { createHookRunner } from '../../../src/adapters/hooks/runner.ts';
import type { HookContext } from '../../../src/app/hook-ports.ts';
import { commandEnvironment, type HookSpec, hookText } from '../../../src/core/hooks.ts';
import { frozen, replica } from '../../support/checks.ts';

const never = new AbortController().signal;

function context(over: Partial<HookContext> = {}): HookContext {
  return {
    moment: 'pre_deploy',
    environment: {},
    directory: tmpdir(),
    frozen: frozen(),
    containers: [replica(), replica({ id: 'id-2', state: 'exited' }), replica({ id: 'id-3' })],
    onLine: () => undefined,
    ...over,
  };
}

const host = (command: HookSpec['command'], timeoutMs = 20_000): HookSpec => ({ kind: 'host', command, timeoutMs });
const exec: HookSpec = { kind: 'exec', service: 'web', command: ['flush'], timeoutMs: 1000 };
const run: HookSpec = { kind: 'run', service: 'web', command: 'npm run migrate', timeoutMs: 1000 };

/** The real host; containers answer what they are told to, by id, and are written down. */
function places(ends: Readonly<Record<string, CommandEnd>> = {}) {
  const asked: string[] = [];
  const answer = (where: string): Promise<CommandEnd> => {
    asked.push(where);
    return Promise.resolve(ends[where] ?? { kind: 'exited', exitCode: 0, tail: [] });
  };
  const oneOffs = { runCommand: () => Promise.reject(new Error('the engine is away')) };
  const real = createCommands({ docker: new Docker(), oneOffs, env: { PATH: process.env['PATH'] } });
  const commands: Commands = {
    ...real,
    exec: (container) => answer(container),
    oneOff: (_, { service, purpose }) => answer(`${service} ${purpose}`),
  };
  return { asked, runner: createHookRunner(commands), away: createHookRunner(real) };
}

describe('a hook on the host', () => {
  it('runs in the project directory with the variables of the rollout, and its lines are shown as they come', async () => {
    const lines: string[] = [];
    const environment = commandEnvironment({
      hook: 'pre_rollback',
      project: 'shop',
      color: 'green',
      version: 'v2',
      release: 'r2',
      from: 'v2',
      to: null,
    });
    const result = await places().runner.run(
      host('pwd; env | grep ^DEPLOY_ | sort'),
      context({ environment, onLine: (line) => lines.push(line) }),
      never,
    );
    expect(result).toMatchObject({ ok: true, exitCode: 0, text: 'exit code 0' });
    expect(lines).toEqual([
      tmpdir(),
      'DEPLOY_COLOR=green',
      'DEPLOY_FROM=v2',
      'DEPLOY_HOOK=pre_rollback',
      'DEPLOY_PROJECT=shop',
      'DEPLOY_RELEASE=r2',
      'DEPLOY_TO=',
      'DEPLOY_VERSION=v2',
    ]);
  });

  it.each([
    [
      'fails with its exit code',
      host('echo no >&2; exit 4'),
      { ok: false, exitCode: 4, timedOut: false, text: 'exit code 4', tail: ['no'] },
    ],
    [
      'fails at its timeout',
      host('echo a; sleep 60', 300),
      { ok: false, exitCode: null, timedOut: true, text: 'did not end within 300 ms', tail: ['a'] },
    ],
  ])('%s', async (_, hook, expected) => {
    expect(await places().runner.run(hook, context(), never)).toEqual(expected);
  });

  it('cannot be started', async () => {
    const result = await places().runner.run(host(['no-such-program']), context(), never);
    expect(result).toMatchObject({ ok: false, exitCode: null, timedOut: false });
    expect(result.text).toMatch(/^could not be started: .*no-such-program/);
  });

  it('is stopped with the rollout', async () => {
    expect(await places().runner.run(host('sleep 60'), context(), AbortSignal.timeout(50))).toMatchObject({
      ok: false,
      text: 'was stopped',
    });
  });
});

describe('a hook in containers', () => {
  it('runs in each running one, in order', async () => {
    const { runner, asked } = places();
    expect(await runner.run(exec, context(), never)).toMatchObject({ ok: true });
    expect(asked).toEqual(['id-1', 'id-3']);
  });

  it('ends with the first that fails', async () => {
    const { runner, asked } = places({ 'id-1': { kind: 'exited', exitCode: 2, tail: ['locked'] } });
    expect(await runner.run(exec, context(), never)).toMatchObject({ ok: false, exitCode: 2, tail: ['locked'] });
    expect(asked).toEqual(['id-1']);
  });

  it('fails where nothing runs', async () => {
    expect(await places().runner.run(exec, context({ containers: [] }), never)).toMatchObject({
      ok: false,
      text: 'could not be started: no container of web runs',
    });
  });

  it('runs in a new one of a release', async () => {
    const { runner, asked } = places();
    expect(await runner.run(run, context(), never)).toMatchObject({ ok: true });
    expect(asked).toEqual(['web pre_deploy']);
    expect(await runner.run(run, context({ frozen: null }), never)).toMatchObject({ ok: false });
  });

  it('never throws', async () => {
    expect(await places().away.run(run, context(), never)).toMatchObject({
      ok: false,
      text: 'could not be started: the engine is away',
    });
  });
});

describe('a hook in words', () => {
  it.each([
    [host('PGPASSWORD=s3cret pg_dump -U x'), 'pg_dump … on the host'],
    [host(['./backup']), './backup on the host'],
    [run, 'run npm … in a new container of web'],
    [exec, 'exec flush in web'],
  ])('shows no more than its program: %#', (hook, text) => {
    expect(hookText(hook)).toBe(text);
  });
});
