import type { CheckSpec, HttpQuestion } from './checks.ts';
import type { NotifyTarget } from './notify.ts';
import type { CanaryStep } from './project.ts';
import type { ServiceChecks } from './service-checks.ts';

/** What stands where a secret stood. */
const REDACTED = '***';

/** Shorter ones would black out ordinary words, and protect nothing. */
const SHORTEST = 6;

/** A path of a webhook that is shorter holds no token. */
const SHORTEST_PATH = 16;

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

/** Everything of a project that may hold a secret. */
export interface SecretSources {
  readonly checks: readonly CheckSpec[];
  /** Questions of pauses. */
  readonly questions: readonly HttpQuestion[];
  readonly notify: readonly NotifyTarget[];
  /** Values of `environment:` secrets and configs. */
  readonly values: readonly string[];
}

/** All texts that must never be shown or written down (ORACLE A18). */
export function secretsOf({ checks, questions, notify, values }: SecretSources): readonly string[] {
  const providers = checks.map(({ provider }) => provider);
  const found = [
    ...providers.flatMap((provider) => (provider.kind === 'http' ? ofQuestion(provider) : [])),
    ...providers.flatMap((provider) => (provider.kind === 'prometheus' ? ofUrl(provider.url) : [])),
    ...questions.flatMap(ofQuestion),
    ...notify.flatMap(({ url }) => ofWebhook(url)),
    ...values,
  ];
  return [...new Set(found.map((secret) => secret.trim()))].filter((secret) => secret.length >= SHORTEST);
}

/** What `Project` and `Release` have in common that may hold secrets. */
export interface SecretHolder {
  readonly services: Readonly<
    Record<string, { readonly checks: ServiceChecks; readonly steps: readonly CanaryStep[] }>
  >;
  readonly notify: readonly NotifyTarget[];
  readonly environmentValues: Readonly<Record<string, string>>;
}

/** All secrets of a project or a release. */
export function secretsIn(holder: SecretHolder): readonly string[] {
  const services = Object.values(holder.services);
  return secretsOf({
    checks: services.flatMap(({ checks }) => Object.values(checks.specs)),
    questions: services.flatMap(({ steps }) =>
      steps.flatMap((step) => (step.kind === 'pause' && step.until !== undefined ? [step.until] : [])),
    ),
    notify: holder.notify,
    values: Object.values(holder.environmentValues),
  });
}

/** Headers that say how to talk, not who is talking. */
const HARMLESS =
  /^(accept(-.*)?|content-(type|length|encoding)|host|user-agent|cache-control|connection|x-forwarded-.*)$/i;

function ofQuestion({ url, headers }: HttpQuestion): string[] {
  const values = Object.entries(headers).flatMap(([name, value]) => (HARMLESS.test(name) ? [] : ofHeader(value)));
  return [...values, ...ofUrl(url)];
}

/** The whole value, and what follows a scheme: `Bearer`, `Basic`, `Token`. */
function ofHeader(value: string): string[] {
  const credentials = /^\S+ +(\S+)$/.exec(value.trim())?.[1];
  return credentials === undefined ? [value] : [value, credentials];
}

/** The password, as it is written and as it is meant, and values of parameters that are named like secrets. */
function ofUrl(text: string): string[] {
  const url = parsed(text);
  if (url === null) return [];
  const parameters = [...url.searchParams].filter(([name]) => /token|key|secret|passw|auth|sig/i.test(name));
  return [...passwordOf(url), ...parameters.flatMap(([, value]) => [value, encodeURIComponent(value)])];
}

function passwordOf({ username, password }: URL): string[] {
  if (password === '') return [];
  const [user, meant] = [username, password].map(decoded);
  return [password, meant ?? '', base64(`${user ?? ''}:${meant ?? ''}`)];
}

/** Whoever knows a webhook may post to it. */
function ofWebhook(text: string): string[] {
  const url = parsed(text);
  if (url === null) return [text];
  const path = `${url.pathname}${url.search}`;
  return [text, url.href, ...(path.length < SHORTEST_PATH ? [] : [path]), ...ofUrl(text)];
}

function parsed(text: string): URL | null {
  return URL.canParse(text) ? new URL(text) : null;
}

function base64(text: string): string {
  return btoa(String.fromCharCode(...new TextEncoder().encode(text)));
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
