import { expect, it, vi } from 'vitest';
import { HookRun } from '../../../src/app/hook-run.ts';
import type { Seen } from '../../../src/app/measuring.ts';
import type { Session } from '../../../src/app/session.ts';

it('a hook runs until somebody has taken how it ended: nobody may look in between and begin it again', async () => {
  const hooks = { on_failure: [{ kind: 'host', command: 'true', timeoutMs: 1000 }] };
  const ports = {
    clock: { now: () => 1 },
    emit: () => undefined,
    store: { release: () => Promise.resolve({ hooks, services: {} }) },
    hooks: { run: () => Promise.resolve({ ok: true, exitCode: 0, timedOut: false, text: 'exit 0', tail: [] }) },
  };
  const ended = vi.fn();
  const run = new HookRun({ ports, directory: '/' } as unknown as Session, ended);
  const side = { release: 'r1', version: 'v1', color: 'blue', services: {} };
  const record = { id: 'x', verb: 'deploy', project: 'shop', candidate: side, stable: side };
  const seen = { record, observed: { containers: [] } } as unknown as Seen;
  await run.start({ kind: 'hook', moment: 'on_failure', of: 'candidate', owner: null, index: 0 }, seen);
  await vi.waitFor(() => {
    expect(ended).toHaveBeenCalledOnce();
  });
  expect(run.running).not.toBeNull();
  expect(run.take()).toMatchObject({ ok: true });
  expect(run.running).toBeNull();
});
