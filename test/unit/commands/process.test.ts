import { readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { describe, expect, it } from 'vitest';
import { argvOf } from '../../../src/adapters/commands/command.ts';
import { runProcess } from '../../../src/adapters/commands/process.ts';

const env = { PATH: process.env['PATH'] };
const never = new AbortController().signal;

function run(
  line: string | readonly string[],
  over: Partial<Parameters<typeof runProcess>[0]> = {},
  signal: AbortSignal = never,
): ReturnType<typeof runProcess> {
  const request = { argv: argvOf(line), cwd: tmpdir(), env, timeoutMs: 20_000, onLine: () => undefined, ...over };
  return runProcess(request, signal);
}

/** One that has ended and that nobody has asked about yet is not alive. */
function isAlive(pid: number): boolean {
  try {
    return !/^\d+ \(.*\) [ZX]/s.test(readFileSync(`/proc/${String(pid)}/stat`, 'utf8'));
  } catch {
    return false;
  }
}

describe('a process of the host', () => {
  it.each([
    [
      'a list is run without a shell',
      ['echo', '$HOME; exit 3'],
      { kind: 'exited', exitCode: 0, tail: ['$HOME; exit 3'] },
    ],
    ['a line is given to a shell', 'echo a; echo b >&2; exit 3', { kind: 'exited', exitCode: 3, tail: ['a', 'b'] }],
    ['an end by a signal of others', 'kill -9 $$', { kind: 'exited', exitCode: 128, tail: [] }],
  ])('%s', async (_, line, expected) => {
    expect(await run(line)).toEqual(expected);
  });

  it('hands on its lines as they come, and keeps the last ones', async () => {
    const lines: string[] = [];
    const end = await run('for i in $(seq 50); do echo "line $i"; done', { onLine: (line) => lines.push(line) });
    expect(lines).toHaveLength(50);
    expect(end).toMatchObject({ kind: 'exited', tail: lines.slice(-20) });
  });

  it('has the given environment and no other, in its folder', async () => {
    expect(
      await run('pwd; env | grep -c ^DEPLOY_; echo $DEPLOY_TO', { env: { ...env, DEPLOY_TO: 'v2 $(x)' } }),
    ).toEqual({ kind: 'exited', exitCode: 0, tail: [tmpdir(), '1', 'v2 $(x)'] });
  });

  it.each([
    ['a program that is not there', ['no-such-program'], {}],
    ['a folder that is not there', ['true'], { cwd: '/no/such/folder' }],
  ])('says what cannot be started: %s', async (_, line, over) => {
    const end = await run(line, over);
    expect(end.kind).toBe('not-started');
    expect(end.kind === 'not-started' && end.reason).toMatch(/no-such-program|\/no\/such\/folder/);
  });

  it('is ended at its timeout, with everything that it started', async () => {
    const pids: number[] = [];
    const end = await run('sleep 60 & echo $!; echo $$; wait', {
      timeoutMs: 300,
      onLine: (line) => pids.push(Number(line)),
    });
    expect(end).toEqual({ kind: 'timed-out', tail: pids.map(String) });
    expect(pids).toHaveLength(2);
    await expect.poll(() => pids.filter(isAlive)).toEqual([]);
  });

  it('is ended although it does not listen', async () => {
    const started = Date.now();
    const end = await run('trap "" TERM; echo deaf; sleep 60; sleep 60', { timeoutMs: 300 });
    expect(end).toMatchObject({ kind: 'timed-out', tail: ['deaf'] });
    expect(Date.now() - started).toBeGreaterThan(5000);
  });

  it('is stopped by the signal, before and after it began', async () => {
    const stop = new AbortController();
    const running = run(
      'echo begun; sleep 60',
      {
        onLine: () => {
          stop.abort();
        },
      },
      stop.signal,
    );
    expect(await running).toEqual({ kind: 'stopped', tail: ['begun'] });
    expect(await run('sleep 60', {}, AbortSignal.abort())).toMatchObject({ kind: 'stopped' });
  });
});
