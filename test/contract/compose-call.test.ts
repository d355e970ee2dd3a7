import { describe, expect, it } from 'vitest';
import { call, Queue, wordsOf } from '../../src/adapters/compose/call.ts';
import { frozenEnvironment } from '../../src/adapters/compose/options.ts';

const shell = (script: string, more: Partial<Parameters<typeof call>[0]> = {}) =>
  call({ command: ['/bin/sh'], args: ['-c', script], cwd: '/', env: { PATH: process.env['PATH'] }, ...more });

describe('calling docker', () => {
  it('in a process group of its own, so that Ctrl-C does not reach it', async () => {
    const leader = 'read -r pid _ _ _ group _ </proc/self/stat; [ "$pid" = "$group" ] && echo own || echo shared';
    expect((await shell(leader, { detached: true })).stdout).toBe('own\n');
    expect((await shell(leader)).stdout).toBe('shared\n');
  });

  it('with standard input closed, or what is given', async () => {
    expect((await shell('cat')).stdout).toBe('');
    expect((await shell('cat', { input: 'given' })).stdout).toBe('given');
  });

  it('gives up its time of the processor where nobody waits for it', async () => {
    // What is read comes after the start: by then it has been told.
    const niceness = 'cat >/dev/null; nice';
    expect((await shell(niceness, { background: true, input: 'now' })).stdout.trim()).toBe('19');
    expect((await shell(niceness, { input: 'now' })).stdout.trim()).toBe('0');
  });

  it('never through a shell of ours, and with nothing of our environment', async () => {
    const outcome = await call({ command: ['/bin/echo'], args: ['$HOME; `id`', '*'], cwd: '/', env: {} });
    expect(outcome.stdout).toBe('$HOME; `id` *\n');
    expect((await shell('echo "[$HOME]"')).stdout).toBe('[]\n');
  });

  it('hands on every line of what it says, and its exit code', async () => {
    const lines: string[] = [];
    const outcome = await shell('echo one >&2; echo two >&2; exit 3', { onOutput: (line) => lines.push(line) });
    expect(outcome).toMatchObject({ ok: false, exitCode: 3, stderr: 'one\ntwo\n' });
    expect(lines).toEqual(['one', 'two']);
  });

  it('one after the other for one project, side by side for two', async () => {
    const queue = new Queue();
    const seen: string[] = [];
    const task = (name: string, ms: number) => async () => {
      seen.push(`${name} begins`);
      await new Promise((resolve) => setTimeout(resolve, ms));
      seen.push(`${name} ends`);
      if (name === 'a') throw new Error('a failed');
    };
    const first = queue.run('green', task('a', 60)).catch(() => undefined);
    await Promise.all([first, queue.run('green', task('b', 1)), queue.run('blue', task('c', 1))]);
    expect(seen).toEqual(['a begins', 'c begins', 'c ends', 'a ends', 'b begins', 'b ends']);
  });

  it('takes the words out of a logger’s lines', () => {
    const stderr =
      'time="x" level=warning msg="The \\"A\\" variable"\ntime="x" level=error msg="bad \\"b\\""\n  plain  \n';
    expect(wordsOf(stderr)).toEqual(['bad "b"', 'plain']);
  });

  it('gives a frozen call only what docker needs, and the captured values', () => {
    const env = {
      PATH: '/bin',
      HOME: '/root',
      DOCKER_HOST: 'x',
      COMPOSE_FILE: 'y',
      COMPOSE_PROFILES: 'z',
      VERSION: 'v',
    };
    expect(frozenEnvironment(env, { TOKEN: 't' })).toEqual({
      GOGC: '400',
      PATH: '/bin',
      HOME: '/root',
      DOCKER_HOST: 'x',
      TOKEN: 't',
      COMPOSE_REMOVE_ORPHANS: 'false',
      COMPOSE_IGNORE_ORPHANS: 'true',
      COMPOSE_PROGRESS: 'plain',
      COMPOSE_ANSI: 'never',
      COMPOSE_MENU: 'false',
    });
  });
});
