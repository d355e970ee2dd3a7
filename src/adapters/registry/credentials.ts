import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import * as z from 'zod';
import { jsonOf } from '../http/json.ts';

/** What a registry knows somebody by: a password, or a token that was given for one. */
export type Credentials =
  | { readonly kind: 'password'; readonly username: string; readonly password: string }
  | { readonly kind: 'token'; readonly token: string };

const auth = z.object({
  auth: z.string().optional(),
  username: z.string().optional(),
  password: z.string().optional(),
  identitytoken: z.string().optional(),
});

const dockerConfig = z.object({
  auths: z.record(z.string(), auth.nullable()).optional(),
  credHelpers: z.record(z.string(), z.string()).optional(),
  credsStore: z.string().optional(),
});

const helperAnswer = z.object({ Username: z.string(), Secret: z.string() });

/** Under this name Docker keeps the login to its own registry. */
const DOCKER_HUB = 'https://index.docker.io/v1/';
/** A user of this name has a token for a secret (docker-credential-helpers). */
const TOKEN_USER = '<token>';
const HELPER_DEADLINE_MS = 30_000;

/** How `docker login` left the login to a registry; null if there is none, or it cannot be read. */
export async function credentialsFor(configFolder: string, domain: string): Promise<Credentials | null> {
  const config = await readConfig(join(configFolder, 'config.json'));
  const server = domain === 'docker.io' ? DOCKER_HUB : domain;
  const helper = config?.credHelpers?.[server] ?? config?.credHelpers?.[domain] ?? config?.credsStore ?? '';
  if (helper !== '') return fromHelper(helper, server);
  const found = Object.entries(config?.auths ?? {}).find(([name]) => name === server || hostOf(name) === domain);
  return found?.[1] ? fromAuth(found[1]) : null;
}

async function readConfig(path: string): Promise<z.output<typeof dockerConfig> | null> {
  const text = await readFile(path, 'utf8').catch(() => '');
  return dockerConfig.safeParse(jsonOf(text)).data ?? null;
}

/** Old logins stand under a URL. */
function hostOf(name: string): string {
  return name.replace(/^https?:\/\//, '').replace(/\/.*$/, '');
}

function fromAuth({ auth: pair, username, password, identitytoken }: z.output<typeof auth>): Credentials | null {
  if (identitytoken !== undefined && identitytoken !== '') return { kind: 'token', token: identitytoken };
  if (username !== undefined && password !== undefined) return { kind: 'password', username, password };
  const text = Buffer.from(pair ?? '', 'base64').toString();
  const colon = text.indexOf(':');
  return colon < 0 ? null : { kind: 'password', username: text.slice(0, colon), password: text.slice(colon + 1) };
}

/** A program of the user's own, found on PATH (docker-credential-helpers, protocol `get`). */
async function fromHelper(name: string, server: string): Promise<Credentials | null> {
  const answer = await execa(`docker-credential-${name}`, ['get'], {
    input: server,
    timeout: HELPER_DEADLINE_MS,
    reject: false,
  });
  const parsed = helperAnswer.safeParse(jsonOf(answer.failed ? '' : answer.stdout));
  if (!parsed.success) return null;
  const { Username: username, Secret: secret } = parsed.data;
  return username === TOKEN_USER ? { kind: 'token', token: secret } : { kind: 'password', username, password: secret };
}
