/** What stands where a secret stood. */
const REDACTED = '***';

/** A password in any URL, whether anybody has told us of it or not. */
const URL_PASSWORD = /(\b[a-z][a-z0-9+.-]*:\/\/[^\s:/@]*:)[^\s/@]+@/gi;

/** A text without secrets: every one of a list, and every password in a URL. Pure. */
export function redact(text: string, secrets: readonly string[]): string {
  // Longer ones first: a part that is a secret of its own must not keep the whole from being found.
  const known = [...secrets].sort((a, b) => b.length - a.length);
  const without = known.reduce((rest, secret) => rest.replaceAll(secret, REDACTED), text);
  return without.replaceAll(URL_PASSWORD, `$1${REDACTED}@`);
}

/** Keys of events and journal entries under which words stand that came from outside. */
const WORDS: ReadonlySet<string> = new Set([
  'text',
  'detail',
  'details',
  'message',
  'hint',
  'what',
  'reason',
  'error',
  'tail',
  'warning',
]);

/** The same for the words in an event or an entry of the journal. What programs compare, as `kind`, stays as it is. */
export function redactWords<T extends object>(value: T, secrets: readonly string[]): T {
  const entries = Object.entries(value).map(([key, item]) => [key, redactItem(item, secrets, WORDS.has(key))]);
  return Object.fromEntries(entries) as T;
}

function redactItem(item: unknown, secrets: readonly string[], words: boolean): unknown {
  if (typeof item === 'string') return words ? redact(item, secrets) : item;
  if (Array.isArray(item)) return item.map((each: unknown) => redactItem(each, secrets, words));
  return typeof item === 'object' && item !== null ? redactWords(item, secrets) : item;
}
