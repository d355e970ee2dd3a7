import type { CheckSpec, HttpQuestion } from './checks.ts';
import type { NotifyTarget } from './notify.ts';
import { namesIn, type Variable, variablesIn } from './model-variables.ts';
import type { CanaryStep, Models } from './project.ts';
import type { ServiceChecks } from './service-checks.ts';

/** Shorter ones would black out ordinary words, and protect nothing. */
const SHORTEST = 6;

/** A path of a webhook that is shorter holds no token. */
const SHORTEST_PATH = 16;

/** Everything of a project that may hold a secret. */
export interface SecretSources {
  readonly checks: readonly CheckSpec[];
  /** Questions of pauses. */
  readonly questions: readonly HttpQuestion[];
  readonly notify: readonly NotifyTarget[];
  /** Contents of secrets, and of configs that come from the environment. */
  readonly values: readonly string[];
  /** What services and builds are told by name. */
  readonly variables: readonly Variable[];
}

/** All texts that must never be shown or written down (ORACLE A18). */
export function secretsOf({ checks, questions, notify, values, variables }: SecretSources): readonly string[] {
  const providers = checks.map(({ provider }) => provider);
  const found = [
    ...providers.flatMap((provider) => (provider.kind === 'http' ? ofQuestion(provider) : [])),
    ...providers.flatMap((provider) => (provider.kind === 'prometheus' ? ofUrl(provider.url) : [])),
    ...questions.flatMap(ofQuestion),
    ...notify.flatMap(({ url }) => ofWebhook(url)),
    ...values.flatMap(ofText),
    ...variables.flatMap(ofVariable),
  ];
  return [...new Set(found.map((secret) => secret.trim()))].filter((secret) => secret.length >= SHORTEST);
}

/** What `Project` and `Release` have in common that may hold secrets. */
export interface SecretHolder {
  readonly services: Readonly<
    Record<string, { readonly checks: ServiceChecks; readonly steps: readonly CanaryStep[] }>
  >;
  readonly version: string;
  readonly notify: readonly NotifyTarget[];
  readonly models: Models;
  readonly environmentValues: Readonly<Record<string, string>>;
  readonly secretTexts: readonly string[];
}

/** All secrets of a project or a release. A password that is the name of a service or the version hides nothing. */
export function secretsIn(holder: SecretHolder): readonly string[] {
  const services = Object.values(holder.services);
  const names = new Set([...namesIn(holder.models), holder.version]);
  const found = secretsOf({
    checks: services.flatMap(({ checks }) => Object.values(checks.specs)),
    questions: services.flatMap(({ steps }) =>
      steps.flatMap((step) => (step.kind === 'pause' && step.until !== undefined ? [step.until] : [])),
    ),
    notify: holder.notify,
    values: [...Object.values(holder.environmentValues), ...holder.secretTexts],
    variables: variablesIn(holder.models),
  });
  return found.filter((secret) => !names.has(secret));
}

/** Names under which people give secrets; `KEYCLOAK`, `COMPASS` and `TOKENIZER` are none of them. */
const SECRET_NAME =
  /passw|passphrase|(^|_)pass(_|$)|pwd|secret|token(?!i)|credential|jwt|salt|(^|_|api|access)key(_|\d|$)/i;

/** Where a secret is, not what it is. */
const PLACE = /^(\/|\.{1,2}\/|~)/;

function ofVariable({ name, value }: Variable): string[] {
  if (/webhook/i.test(name)) return ofWebhook(value);
  if (parsed(value) !== null && value.includes('://')) return ofUrl(value);
  return (SECRET_NAME.test(name) && !PLACE.test(value)) || isToken(value) ? ofText(value) : [];
}

/** No person writes such a word, whatever its name is. */
function isToken(text: string): boolean {
  if (/^[\da-f]{32,}$/i.test(text) || /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/i.test(text)) return true;
  return /^[\w+/=.~-]{20,}$/.test(text) && [/\d/, /[a-z]/, /[A-Z]/].every((kind) => kind.test(text));
}

/** A key has many lines, which a log shows one by one. */
function ofText(text: string): string[] {
  const lines = text.split('\n').map((line) => line.trim());
  return [text, ...(lines.length === 1 ? [] : lines.filter((line) => /^\S{16,}$/.test(line)))];
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
