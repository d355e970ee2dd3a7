import type { CheckSpec, HttpQuestion, Raw } from '../../core/checks.ts';
import { parseJsonPath, valueAt } from '../../core/json-path.ts';
import { ask } from '../http/ask.ts';
import { jsonOf } from '../http/json.ts';

/** As much of a refusal as a person needs to see. */
const LONGEST_EXCERPT = 200;

/**
 * Asks a URL as it is given, from the host: a candidate is asked through the proxy, by a published port, or by a
 * command in its container. An answer that is not 200 to 299 is an error (ORACLE A11).
 */
export async function measureHttp(question: HttpQuestion, spec: CheckSpec, signal: AbortSignal): Promise<Raw> {
  const answer = await ask({ ...question, timeoutMs: spec.timeoutMs }, signal);
  if (answer.kind === 'none') return { kind: 'error', detail: answer.reason };
  const { status, text, ms } = answer;
  if (status < 200 || status > 299) return { kind: 'error', detail: `answered ${status}${excerpt(text)}` };
  if (question.json !== null) return fromJson(text, question.json);
  if (spec.pass === null && spec.fail === null)
    return { kind: 'value', value: true, detail: `answered ${status} in ${ms} ms` };
  return { kind: 'value', value: text.trim(), detail: null };
}

function excerpt(text: string): string {
  const line = text.trim().replaceAll(/\s+/g, ' ');
  if (line === '') return '';
  return `: ${line.length > LONGEST_EXCERPT ? `${line.slice(0, LONGEST_EXCERPT)}…` : line}`;
}

function fromJson(text: string, path: string): Raw {
  const keys = parseJsonPath(path);
  if (keys === null) return { kind: 'error', detail: `${path} is no path into JSON` };
  const json = jsonOf(text);
  if (json === undefined) return { kind: 'error', detail: `the answer is no JSON${excerpt(text)}` };
  const value = valueAt(json, keys);
  if (value === undefined || value === null) return { kind: 'no-data', detail: `the answer has nothing at ${path}` };
  if (typeof value === 'number' || typeof value === 'string') return { kind: 'value', value, detail: null };
  if (typeof value === 'boolean') return { kind: 'value', value, detail: `${path} is ${String(value)}` };
  return { kind: 'error', detail: `the answer has more than one value at ${path}` };
}
