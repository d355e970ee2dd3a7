import type Docker from 'dockerode';
import * as z from 'zod';
import type { Registry } from '../../app/ports.ts';
import { DeployError, messageOf } from '../../core/errors.ts';
import { parseImage } from '../../core/image-reference.ts';
import { redact } from '../../core/redact.ts';
import { inTime } from '../system/in-time.ts';
import { jsonOf } from '../http/json.ts';
import { type Credentials, credentialsFor } from './credentials.ts';
import { type Answered, RegistryHttp } from './registry-http.ts';

const DEADLINE_MS = 30_000;
const PAGE_SIZE = 1000;
/** A registry that says that there is ever more is not believed. */
const MOST_PAGES = 100;

const distribution = z.object({ Descriptor: z.object({ digest: z.string() }) });
const tagList = z.object({ tags: z.array(z.string()).nullable() });
const refusal = z.object({ errors: z.array(z.object({ code: z.string(), message: z.string().optional() })).min(1) });

/** Registries by the way that the engine goes to them, with the logins of `docker login`. */
export class DockerRegistry implements Registry {
  readonly #docker: Docker;
  readonly #configFolder: string;

  constructor(docker: Docker, configFolder: string) {
    this.#docker = docker;
    this.#configFolder = configFolder;
  }

  /** The engine asks: it knows certificates, mirrors and what is insecure (API, `/distribution/{name}/json`). */
  async digest(reference: string, signal: AbortSignal): Promise<string> {
    const { domain } = parseImage(reference);
    const login = await credentialsFor(this.#configFolder, domain);
    const options = login === null ? {} : { authconfig: authconfigOf(login, domain) };
    const asked = unlessAborted(signal, this.#docker.getImage(reference).distribution(options));
    try {
      const answer = await inTime(DEADLINE_MS, `the registry's word on ${reference}`, 'registry-unreachable', asked);
      return distribution.parse(answer).Descriptor.digest;
    } catch (error) {
      throw error instanceof DeployError ? error : refused(reference, messageOf(error), login);
    }
  }

  async tags(reference: string, signal: AbortSignal): Promise<readonly string[]> {
    const { domain, path: repository } = parseImage(reference);
    const login = await credentialsFor(this.#configFolder, domain);
    const http = await RegistryHttp.reach(this.#docker, domain, { login, signal });
    const tags: string[] = [];
    let path: string | null = `/v2/${repository}/tags/list?n=${String(PAGE_SIZE)}`;
    for (let page = 0; path !== null && page < MOST_PAGES; page += 1) {
      const answer = await http.get(path);
      if (answer.status !== 200) throw refused(reference, said(answer), login);
      const list = tagList.safeParse(jsonOf(answer.text));
      if (!list.success) throw refused(reference, 'it answers something that is no list of tags', login);
      tags.push(...(list.data.tags ?? []));
      path = nextPage(answer);
    }
    return tags;
  }
}

/** The result of work that nobody can stop, unless it is not wanted any more. */
async function unlessAborted<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  const ended = new AbortController();
  const aborted = new Promise<never>((_, reject) => {
    const stop = (): void => {
      reject(new Error('stopped'));
    };
    if (signal.aborted) stop();
    signal.addEventListener('abort', stop, { signal: ended.signal });
  });
  try {
    return await Promise.race([work, aborted]);
  } finally {
    ended.abort();
  }
}

/** Where `Link: </v2/shop/web/tags/list?last=…>; rel="next"` leads (distribution spec, "Listing Tags"). */
function nextPage({ headers, url }: Answered & { readonly url: string }): string | null {
  const link = /<([^>]+)>\s*;\s*rel="?next"?/.exec(String(headers['link'] ?? ''))?.[1] ?? '';
  return link === '' || !URL.canParse(link, url) ? null : new URL(link, url).href;
}

function authconfigOf(login: Credentials, serveraddress: string): Record<string, string> {
  return login.kind === 'token'
    ? { identitytoken: login.token, serveraddress }
    : { username: login.username, password: login.password, serveraddress };
}

function said({ status, text }: Answered): string {
  const first = refusal.safeParse(jsonOf(text)).data?.errors[0];
  return first === undefined ? `HTTP ${String(status)}` : `${first.code}: ${first.message ?? ''}`;
}

/** What a registry's or the engine's words mean to us. */
function refused(reference: string, words: string, login: Credentials | null): DeployError {
  const { domain } = parseImage(reference);
  const secrets = login === null ? [] : [login.kind === 'token' ? login.token : login.password];
  const reason = redact(words.replace(/^\(HTTP code \d+\) [^-]*- /, '').trim(), secrets);
  if (/unauthorized|denied|authentication required|no basic auth|HTTP 40[13]/i.test(reason))
    return new DeployError('registry-refused', {
      what: `the registry ${domain} refuses to tell about ${reference}: ${reason}`,
      next: `log in as the user who runs this: docker login ${domain}`,
    });
  if (/manifest.unknown|name.unknown|not found|HTTP 404/i.test(reason))
    return new DeployError('image-missing', { what: `the registry ${domain} does not have ${reference}: ${reason}` });
  return new DeployError('registry-unreachable', { what: `the registry ${domain} cannot be asked: ${reason}` });
}
