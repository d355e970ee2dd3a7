import type { AccessLog, CheckContext, Checker } from '../../app/check-ports.ts';
import { withDeadline } from '../../app/signals.ts';
import type { CheckSpec, Figure, Raw } from '../../core/checks.ts';
import { messageOf } from '../../core/errors.ts';
import { figure, seenBy } from '../../core/figures.ts';
import type { Commands } from '../commands/commands.ts';
import { measureCommand } from './command.ts';
import { measureHttp } from './http.ts';

export interface CheckerDeps {
  readonly commands: Commands;
  /** Of the project's proxy; null where there is none that could be read. */
  readonly accessLog: AccessLog | null;
}

/** Measures with every provider that a check can name. */
export function createChecker(deps: CheckerDeps): Checker {
  return {
    async measure(spec, context, signal): Promise<Raw> {
      try {
        return await measure(deps, spec, context, signal);
      } catch (error) {
        return { kind: 'error', detail: messageOf(error) };
      }
    },
  };
}

async function measure(deps: CheckerDeps, spec: CheckSpec, context: CheckContext, signal: AbortSignal): Promise<Raw> {
  const { provider } = spec;
  switch (provider.kind) {
    case 'http':
      return measureHttp(provider, spec, signal);
    case 'prometheus':
      // Schemas are half of the program; checks of other kinds need none of them.
      return (await import('./prometheus.ts')).measurePrometheus(provider, spec.timeoutMs, signal);
    case 'command':
      return measureCommand(deps.commands, provider, spec, context, signal);
    case 'builtin':
      return withDeadline(spec.timeoutMs, signal, (stop) =>
        measureFigure(deps.accessLog, provider.figure, context, stop),
      );
  }
}

async function measureFigure(
  log: AccessLog | null,
  kind: Figure,
  context: CheckContext,
  signal: AbortSignal,
): Promise<Raw> {
  if (log === null) return { kind: 'cannot-run', detail: 'no proxy says what the candidate answered' };
  const records = await log.since(context.since, signal);
  return figure(kind, seenBy(context.containers, records, context.since));
}
