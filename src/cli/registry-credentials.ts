import { readFileSync } from 'node:fs';
import { join } from 'node:path';

interface DockerConfig {
  readonly auths?: Readonly<Record<string, Readonly<Record<string, unknown>> | null>>;
  readonly HttpHeaders?: Readonly<Record<string, unknown>>;
}

/** What a registry could be told, and could repeat in an error: the user's name is none of it. */
const SECRET_KEYS = ['auth', 'password', 'identitytoken', 'registrytoken'];

/** Shorter ones would black out ordinary words. */
const SHORTEST = 6;

/** Credentials that docker's config.json holds itself; those of a credential helper are known to nobody but docker. */
export function registryCredentials(configFolder: string): readonly string[] {
  const { auths, HttpHeaders: headers } = configOf(configFolder);
  const given = Object.values(auths ?? {}).flatMap((auth) => SECRET_KEYS.map((key) => auth?.[key]));
  const texts = [...given, ...Object.values(headers ?? {})].filter((value) => typeof value === 'string');
  return [...new Set([...texts, ...texts.flatMap(passwordOf)])].filter((text) => text.length >= SHORTEST);
}

function configOf(folder: string): DockerConfig {
  try {
    return (JSON.parse(readFileSync(join(folder, 'config.json'), 'utf8')) as DockerConfig | null) ?? {};
  } catch {
    return {};
  }
}

/** `auth` is `user:password` in base64. */
function passwordOf(auth: string): string[] {
  const pair = Buffer.from(auth, 'base64').toString();
  return /^[ -~]+:[ -~]+$/.test(pair) ? [pair.slice(pair.indexOf(':') + 1)] : [];
}
