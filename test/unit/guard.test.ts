import { describe, expect, it } from 'vitest';
import { guarded, withoutSecrets } from '../../src/app/guard.ts';
import type { Ports } from '../../src/app/ports.ts';
import { shownError } from '../../src/cli/shown-error.ts';
import { steer } from '../../src/app/steer.ts';
import type { ProgressEvent } from '../../src/core/events.ts';
import { DeployError } from '../../src/core/errors.ts';
import { deploy, serving } from '../support/rollouts.ts';
import { release, service } from '../support/specs.ts';

const SECRET = 'token-of-the-gate';
const TARGET = { url: 'https://hooks/x', on: 'warn', format: 'json', timeoutMs: 1000, retries: 0 } as const;

function warning(message: string): ProgressEvent {
  return { kind: 'warning', code: null, message, hint: null };
}

describe('what a verb says', () => {
  it('A18 holds no secret, and reaches the receivers of notices as well', async () => {
    const [shown, told]: [ProgressEvent[], ProgressEvent[]] = [[], []];
    let closed = false;
    const ports = {
      emit: (event: ProgressEvent) => shown.push(event),
      notices: () => ({
        emit: (event: ProgressEvent) => told.push(event),
        close: () => {
          closed = true;
          return Promise.resolve();
        },
      }),
    } as unknown as Ports;
    const guard = guarded(ports, { project: 'shop', notify: [TARGET], secrets: [SECRET] });
    guard.ports.emit(warning(`refused ${SECRET}`));
    await guard.close();
    expect(shown).toEqual([warning('refused ***')]);
    expect(told).toEqual(shown);
    expect(closed).toBe(true);
  });

  it('A18 an error holds none either, and stays what it is otherwise', () => {
    const error = new DeployError('rollout-failed', {
      what: `no ${SECRET}`,
      details: [`log: ${SECRET}`],
      next: 'look',
    });
    expect(withoutSecrets(error, [SECRET])).toMatchObject({
      code: 'rollout-failed',
      exit: 1,
      message: 'no ***',
      serves: null,
      next: 'look',
      details: ['log: ***'],
    });
    const defect = new TypeError('x');
    expect(withoutSecrets(defect, [SECRET])).toBe(defect);
  });

  it('A18 neither does a defect, nor the causes that --debug shows', () => {
    const defect = new TypeError(`no ${SECRET}`, { cause: new Error(`because of ${SECRET}`) });
    const outer = new DeployError('internal', { what: 'x', cause: defect });
    for (const error of [defect, outer]) {
      const shown = shownError(withoutSecrets(error, [SECRET]), true);
      expect(JSON.stringify(shown)).not.toContain(SECRET);
      expect(shown.details.join('\n')).toContain('because of ***');
    }
  });
});

it('X09 promote --full of a rollout that is completed does nothing, and that is fine', async () => {
  const [v1, v2] = [release('v1', [service('web')]), release('v2', [service('web')])];
  const { record } = deploy(serving(v1), v2, v1);
  const ports = { store: { rollouts: () => Promise.resolve([record]) } } as unknown as Ports;
  const never = new AbortController().signal;
  expect(await steer(ports, { verb: 'promote-full', timeoutMs: null }, never)).toMatchObject({ exit: 0 });
  await expect(steer(ports, { verb: 'promote', timeoutMs: null }, never)).rejects.toMatchObject({ exit: 5 });
});
