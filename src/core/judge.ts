import type { Bounds, CheckSpec, Outcome, OutcomeKind, Raw } from './checks.ts';

/**
 * Judges what a provider found out (DESIGN section 4): bounds are inclusive; only `pass`: not pass is fail; only
 * `fail`: not fail is pass; both: between is inconclusive. Without bounds a value passes unless it is false.
 */
export function judge(spec: CheckSpec, raw: Raw): Outcome {
  switch (raw.kind) {
    case 'value':
      return withDetail(judgeValue(spec, raw.value), raw.detail);
    case 'no-data':
      return { kind: spec.noData, text: `no data: ${raw.detail}` };
    case 'error':
      return { kind: 'error', text: raw.detail };
    case 'cannot-run':
      return { kind: 'inconclusive', text: `cannot be made: ${raw.detail}` };
  }
}

type Value = Extract<Raw, { kind: 'value' }>['value'];

interface Judged {
  readonly kind: OutcomeKind;
  /** Null where the detail says all. */
  readonly text: string | null;
}

function judgeValue({ pass, fail }: CheckSpec, value: Value): Judged {
  if (pass === null && fail === null) return { kind: value === false ? 'fail' : 'pass', text: unbounded(value) };
  if ([pass, fail].some(isNumeric) && Number.isNaN(numberOf(value)))
    return { kind: 'error', text: `${shown(value)} is no number` };
  const wanted = pass === null ? [] : [`wanted ${boundsText(pass)}`];
  const unwanted = fail === null ? [] : [`fails if ${boundsText(fail)}`];
  return { kind: verdict(value, pass, fail), text: [shown(value), ...wanted, ...unwanted].join(', ') };
}

function verdict(value: Value, pass: Bounds | null, fail: Bounds | null): OutcomeKind {
  if (fail !== null && isWithin(value, fail)) return 'fail';
  if (pass === null || isWithin(value, pass)) return 'pass';
  return fail === null ? 'fail' : 'inconclusive';
}

function withDetail({ kind, text }: Judged, detail: string | null): Outcome {
  return { kind, text: [text, detail].filter((part) => part !== null).join(': ') };
}

function isNumeric(bounds: Bounds | null): boolean {
  return bounds !== null && (bounds.min !== null || bounds.max !== null);
}

function isWithin(value: Value, { min, max, equals }: Bounds): boolean {
  const number = numberOf(value);
  if (min !== null && number < min) return false;
  if (max !== null && number > max) return false;
  return equals === null || String(value) === equals;
}

/** NaN for what is no number; an empty text is none. */
function numberOf(value: Value): number {
  if (typeof value === 'string') return value.trim() === '' ? NaN : Number(value);
  return typeof value === 'number' ? value : NaN;
}

/** `0.01 to 0.05`, `at most 0.01`, `equal to "ok"`. */
function boundsText({ min, max, equals }: Bounds): string {
  const exactly = equals === null ? [] : [`equal to "${equals}"`];
  return [...rangeText(min, max), ...exactly].join(' and ');
}

function rangeText(min: number | null, max: number | null): string[] {
  if (min !== null && max !== null) return [`${min} to ${max}`];
  if (min !== null) return [`at least ${min}`];
  return max === null ? [] : [`at most ${max}`];
}

const LONGEST_VALUE = 200;

function shown(value: Value): string {
  if (typeof value === 'number') return String(Number(value.toPrecision(6)));
  const text = String(value);
  return `"${text.length > LONGEST_VALUE ? `${text.slice(0, LONGEST_VALUE)}…` : text}"`;
}

/** What passes or fails by itself has no value to show: its detail says all. */
function unbounded(value: Value): string | null {
  return typeof value === 'boolean' ? null : shown(value);
}
