import { describe, expect, it } from 'vitest';
import { createChecker } from '../../../src/adapters/checks/checker.ts';
import type { CommandEnd, CommandRequest } from '../../../src/adapters/commands/command.ts';
import type { Commands } from '../../../src/adapters/commands/commands.ts';
import type { CheckSpec, Raw } from '../../../src/core/checks.ts';
import { judge } from '../../../src/core/judge.ts';
import { bounds, check, context, replica } from '../../support/checks.ts';

const never = new AbortController().signal;
const passed: CommandEnd = { kind: 'exited', exitCode: 0, tail: ['fine'] };
const failed: CommandEnd = { kind: 'exited', exitCode: 3, tail: ['one', 'two', 'three', '  no table users '] };

/** Ends by container id; a one-off is called `image`. Everything asked is written down. */
function places(ends: Readonly<Record<string, CommandEnd>>) {
  const asked: { where: string; request: CommandRequest }[] = [];
  const answer = (where: string, request: CommandRequest): Promise<CommandEnd> => {
    asked.push({ where, request });
    return Promise.resolve(ends[where] ?? passed);
  };
  const commands: Commands = {
    host: () => Promise.reject(new Error('a check runs nothing on the host')),
    exec: (container, request) => answer(container, request),
    oneOff: (_, place, request) => answer(`image ${place.service} ${place.purpose}`, request),
  };
  return { asked, commands };
}

function command(over: Partial<CheckSpec> = {}, where: 'candidate' | 'image' = 'candidate'): CheckSpec {
  return check({ provider: { kind: 'command', run: ['migrated'], in: where }, ...over });
}

function measure(spec: CheckSpec, ends: Readonly<Record<string, CommandEnd>>, over = {}): Promise<Raw> {
  return createChecker({ commands: places(ends).commands, accessLog: null }).measure(spec, context(over), never);
}

const two = { containers: [replica(), replica({ id: 'id-2', name: 'web-2' })] };

describe('a command check', () => {
  it('passes with exit code 0', async () => {
    expect(judge(command(), await measure(command(), {}))).toEqual({ kind: 'pass', text: 'exit code 0: fine' });
  });

  it('fails with any other, and shows the last lines', async () => {
    expect(judge(command(), await measure(command(), { 'id-1': failed }))).toEqual({
      kind: 'fail',
      text: 'exit code 3: two | three | no table users',
    });
  });

  it('has to pass in every running replica', async () => {
    expect(await measure(command(), {}, two)).toMatchObject({ value: true, detail: 'exit code 0: fine (in web-1)' });
    expect(await measure(command(), { 'id-2': failed }, two)).toMatchObject({
      value: false,
      detail: 'exit code 3: two | three | no table users (in web-2)',
    });
    const stopped = { containers: [replica(), replica({ id: 'id-2', state: 'exited' })] };
    expect(await measure(command(), { 'id-2': failed }, stopped)).toMatchObject({ value: true });
  });

  it('is an error where nothing runs', async () => {
    expect(await measure(command(), {}, { containers: [] })).toEqual({
      kind: 'error',
      detail: 'no candidate container of web runs',
    });
  });

  it('is given the command, the variables and the time', async () => {
    const { asked, commands } = places({});
    const checker = createChecker({ commands, accessLog: null });
    await checker.measure(command({ timeoutMs: 70 }, 'image'), context({ environment: { DEPLOY_TO: 'v2' } }), never);
    expect(asked).toMatchObject([
      {
        where: 'image web check-smoke',
        request: { run: ['migrated'], environment: { DEPLOY_TO: 'v2' }, timeoutMs: 70 },
      },
    ]);
  });

  it.each<[string, CommandEnd, Raw]>([
    [
      'A13 an image that cannot be had',
      { kind: 'not-started', reason: 'No such image: x', noImage: true },
      { kind: 'cannot-run', detail: 'No such image: x' },
    ],
    [
      'a container that cannot be made',
      { kind: 'not-started', reason: 'no space', noImage: false },
      { kind: 'error', detail: 'no space' },
    ],
    [
      'one that takes too long',
      { kind: 'timed-out', tail: ['waiting'] },
      { kind: 'error', detail: 'did not end within 10000 ms: waiting' },
    ],
    ['one that is stopped', { kind: 'stopped', tail: [] }, { kind: 'error', detail: 'was stopped' }],
  ])('in an image: %s', async (_, end, expected) => {
    expect(await measure(command({}, 'image'), { 'image web check-smoke': end })).toEqual(expected);
  });

  it('measures where it has bounds: the last line is the value, and only an exit code of 0 gives one', async () => {
    const spec = command({ fail: bounds({ min: 5 }) });
    const said = (tail: readonly string[]): CommandEnd => ({ kind: 'exited', exitCode: 0, tail });
    expect(await measure(spec, { 'id-1': said(['rows:', ' 7 ']) }, two)).toEqual({
      kind: 'value',
      value: '7',
      detail: null,
    });
    expect(await measure(spec, { 'id-1': said([]) })).toEqual({
      kind: 'no-data',
      detail: 'the command printed nothing',
    });
    expect(await measure(spec, { 'id-1': failed })).toMatchObject({ kind: 'error' });
  });
});
