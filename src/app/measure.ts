import type { Measurement } from '../core/assess.ts';
import type { CheckSpec } from '../core/checks.ts';
import { judge } from '../core/judge.ts';
import { redact } from '../core/redact.ts';
import type { CheckContext, Checker } from './check-ports.ts';
import type { Clock } from './ports.ts';

export interface MeasureDeps {
  readonly checker: Checker;
  readonly clock: Clock;
  /** Texts that no message may hold (`secretsOf`). */
  readonly secrets: readonly string[];
}

/**
 * One measurement from the question to the judgement, with the time when it ended. Its text is for people, events and
 * the journal, and holds no secret (ORACLE A18). Never throws.
 */
export async function measure(
  { checker, clock, secrets }: MeasureDeps,
  spec: CheckSpec,
  context: CheckContext,
  signal: AbortSignal,
): Promise<Measurement> {
  const { kind, text } = judge(spec, await checker.measure(spec, context, signal));
  return { kind, text: redact(text, secrets), at: clock.now() };
}
