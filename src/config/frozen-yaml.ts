import { parse, stringify } from 'yaml';
import type { ComposeModel } from '../core/project.ts';
import { isMapping } from './model.ts';

/**
 * The text of a model. Strings are double-quoted, on one line each: plain ones such as `2001-01-01` and `0o17` came
 * back as something else. `null` and `{}` stay apart.
 */
export function frozenText(model: ComposeModel): string {
  const text = stringify(model, {
    defaultStringType: 'QUOTE_DOUBLE',
    doubleQuotedMinMultiLineLength: Number.MAX_SAFE_INTEGER,
    lineWidth: 0,
    nullStr: 'null',
    aliasDuplicateObjects: false,
  });
  return text.replaceAll(UNPRINTABLE, (each) => `\\u${each.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/** Compose's reader takes these as escapes only; every string of the text stands in quotes. */
const UNPRINTABLE = /[\u007f-\u009f\u2028\u2029\ufeff\ufffe\uffff]/g;

/** The model in the output of `docker compose config`. @throws if the text is no mapping: that is a defect of Compose */
export function parseModel(text: string): ComposeModel {
  const value: unknown = parse(text, { logLevel: 'silent', maxAliasCount: -1 });
  if (!isMapping(value)) throw new Error('docker compose config printed no mapping');
  return value;
}
