import { describe, expect, it } from 'vitest';
import { main } from '../../../src/cli/main.ts';
import { fakeIo } from './support.ts';

const PROGRAM = { version: '1.2.3', executable: '/opt/docker-deploy-bg.js' };
const NOWHERE = { PATH: '/nowhere', HOME: '/nowhere' };

async function run(line: string | readonly string[], env: Record<string, string> = NOWHERE) {
  const io = fakeIo(env);
  const exit = await main(typeof line === 'string' ? line.split(' ') : line, PROGRAM, io);
  return { exit, out: io.stdout.text, err: io.stderr.text };
}

describe('exit codes', () => {
  it('0 for what only prints', async () => {
    expect(await run('version')).toEqual({ exit: 0, out: '1.2.3\n', err: '' });
    expect(await run('deploybg version')).toMatchObject({ exit: 0, out: '1.2.3\n' });
    expect(await run([])).toMatchObject({ exit: 0, err: '' });
    expect(await run('__complete deploybg ver')).toMatchObject({ exit: 0, out: 'version\tprint the version\n:4\n' });
  });

  it('2 for a version that is none, in three parts and without a stack trace', async () => {
    expect(await run(['deploy', '; rm -rf /'])).toEqual({
      exit: 2,
      out: '',
      err: [
        '✖ "; rm -rf /" cannot be a version [invalid-version]',
        '  serving: what served before; nothing was changed',
        '  next:    use a name that is valid as an image tag: letters, digits, ".", "_"',
        '           and "-", 128 at most',
        '',
      ].join('\n'),
    });
  });

  it.each([['frobnicate'], ['deploy'], ['status --x'], ['--context a --host b status'], ['deploy v1 --timeout x']])(
    '2 for %s',
    async (line) => {
      const { exit, err } = await run(line, { ...NOWHERE, PATH: process.env['PATH'] ?? '' });
      expect(exit).toBe(2);
      expect(err).toContain('[invalid-usage]');
      expect(err).not.toMatch(/^\s+at /m);
    },
  );

  it('2 for a variable that is no duration', async () => {
    const { exit, err } = await run('status', { ...NOWHERE, DRAIN_TIMEOUT: 'soon' });
    expect(exit).toBe(2);
    expect(err).toContain('DRAIN_TIMEOUT="soon" is no duration [invalid-config]');
  });

  it('7 without a docker command', async () => {
    const { exit, err } = await run('status');
    expect(exit).toBe(7);
    expect(err).toContain('[compose-missing]');
  });

  it('as JSON, where that is asked for', async () => {
    const { exit, err } = await run('--progress json status');
    expect(exit).toBe(7);
    expect(JSON.parse(err)).toMatchObject({ kind: 'error', code: 'compose-missing', exit: 7 });
  });
});
