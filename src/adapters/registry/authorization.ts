import * as z from 'zod';
import type { Question } from '../http/ask.ts';
import { jsonOf } from '../http/json.ts';
import type { Credentials } from './credentials.ts';
import type { Answered } from './registry-http.ts';

type Ask = (question: Pick<Question, 'url' | 'method' | 'headers' | 'body'>) => Promise<Answered>;

const token = z.object({ token: z.string().optional(), access_token: z.string().optional() });

/**
 * The header that a registry's challenge asks for (distribution spec, "Token Authentication"); null if nothing can be
 * said to it.
 * @param challenge `WWW-Authenticate` of its answer
 */
export async function authorizationFor(
  challenge: string | readonly string[] | undefined,
  login: Credentials | null,
  ask: Ask,
): Promise<string | null> {
  const text = String(challenge ?? '');
  if (/^basic\b/i.test(text)) return login?.kind === 'password' ? basic(login) : null;
  if (!/^bearer\b/i.test(text)) return null;
  const { realm, service, scope } = parametersOf(text);
  if (realm === undefined) return null;
  const answer = await ask(tokenQuestion(realm, { ...(service && { service }), ...(scope && { scope }) }, login));
  if (answer.status !== 200) return null;
  const given = token.safeParse(jsonOf(answer.text));
  const bearer = given.success ? (given.data.token ?? given.data.access_token) : undefined;
  return bearer === undefined ? null : `Bearer ${bearer}`;
}

function parametersOf(challenge: string): Readonly<Record<string, string | undefined>> {
  const pairs = [...challenge.matchAll(/(\w+)="([^"]*)"/g)];
  return Object.fromEntries(pairs.map(([, name = '', value = '']) => [name, value]));
}

/** A token is exchanged for another by POST (OAuth 2); everybody else asks by GET. */
function tokenQuestion(realm: string, about: Readonly<Record<string, string>>, login: Credentials | null) {
  const words = new URLSearchParams(about);
  if (login?.kind !== 'token') {
    const headers = login === null ? {} : { authorization: basic(login) };
    const url = `${realm}${realm.includes('?') ? '&' : '?'}${words.toString()}`;
    return { url, method: 'GET', headers, body: null };
  }
  for (const [name, value] of [
    ['grant_type', 'refresh_token'],
    ['refresh_token', login.token],
    ['client_id', 'deploy-bg'],
  ] as const)
    words.set(name, value);
  const headers = { 'content-type': 'application/x-www-form-urlencoded' };
  return { url: realm, method: 'POST', headers, body: words.toString() };
}

function basic({ username, password }: { readonly username: string; readonly password: string }): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
}
