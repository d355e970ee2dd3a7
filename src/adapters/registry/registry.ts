import type Docker from 'dockerode';
import * as z from 'zod';
import type { Registry } from '../../app/ports.ts';
import { DeployError, messageOf } from '../../core/errors.ts';
import { parseImage, type ImageReference } from '../../core/image-reference.ts';
import { redact } from '../../core/redact.ts';
import { ask, type Answer } from '../http/ask.ts';
import { jsonOf } from '../http/json.ts';
import { inTime } from '../system/in-time.ts';
import { authorizationFor } from './authorization.ts';
import { type Credentials, credentialsFor } from './credentials.ts';
import { type RegistryPlace, registryPlaces } from './place.ts';

const DEADLINE_MS = 30_000;
const PAGE_SIZE = 1000;
/** A registry that says that there is ever more is not believed. */
const MOST_PAGES = 100;

const distribution = z.object({ Descriptor: z.object({ digest: z.string() }) });
const tagList = z.object({ tags: z.array(z.string()).nullable() });

type Answered = Extract<Answer, { readonly kind: 'answer' }>;

/** Registries by the way that the engine goes to them, with the logins of `docker login`. */
export class DockerRegistry implements Registry {
  readonly #docker: Docker;
  readonly #configFolder: string;

  constructor(docker: Docker, configFolder: string) {
    this.#docker = docker;
    this.#configFolder = configFolder;
  }

  /** The engine asks: it knows certificates, mirrors and what is insecure (API, `/distribution/{name}/json`). */
  async digest(reference: string): Promise<string> {
    const image = parseImage(reference);
    const login = await credentialsFor(this.#configFolder, image.domain);
    const options = login === null ? {} : { authconfig: authconfigOf(login, image.domain) };
    const asked = this.#docker.getImage(reference).distribution(options);
    try {
      const answer = await inTime(DEADLINE_MS, `the registry's word on ${reference}`, 'registry-unreachable', asked);
      return distribution.parse(answer).Descriptor.digest;
    } catch (error) {
      throw error instanceof DeployError ? error : refused(reference, messageOf(error), login);
    }
  }

  async tags(reference: string): Promise<readonly string[]> {
    const image = parseImage(reference);
    const login = await credentialsFor(this.#configFolder, image.domain);
    const place = await this.#reach(image.domain);
    const tags: string[] = [];
    let path: string | null = `/v2/${image.path}/tags/list?n=${String(PAGE_SIZE)}`;
    for (let page = 0; path !== null && page < MOST_PAGES; page += 1) {
      const answer = await askWith(place, path, image, login);
      if (answer.status !== 200) throw refused(reference, said(answer), login);
      tags.push(...(tagList.parse(jsonOf(answer.text)).tags ?? []));
      path = nextPage(answer);
    }
    return tags;
  }

  /** The first place that speaks HTTP as this says it. @throws registry-unreachable */
  async #reach(domain: string): Promise<RegistryPlace> {
    const reasons: string[] = [];
    for (const place of await registryPlaces(this.#docker, domain)) {
      const answer = await askOnce(place, '/v2/', {});
      if (answer.kind === 'answer') return place;
      reasons.push(`${place.url}: ${answer.reason}`);
    }
    throw new DeployError('registry-unreachable', {
      what: `the registry ${domain} does not answer: ${reasons.at(-1) ?? ''}`,
      details: reasons,
    });
  }
}

async function askWith(
  place: RegistryPlace,
  path: string,
  image: ImageReference,
  login: Credentials | null,
): Promise<Answered> {
  const plain = answered(await askOnce(place, path, {}), image);
  if (plain.status !== 401) return plain;
  const authorization = await authorizationFor(plain.headers['www-authenticate'], login, (question) =>
    ask({ ...question, timeoutMs: DEADLINE_MS, trust: place.trust }, new AbortController().signal),
  );
  return authorization === null ? plain : answered(await askOnce(place, path, { authorization }), image);
}

function askOnce(
  { url, trust }: RegistryPlace,
  path: string,
  headers: Readonly<Record<string, string>>,
): Promise<Answer> {
  const question = { url: `${url}${path}`, method: 'GET', headers, body: null, timeoutMs: DEADLINE_MS, trust };
  return ask(question, new AbortController().signal);
}

function answered(answer: Answer, { domain }: ImageReference): Answered {
  if (answer.kind === 'answer') return answer;
  throw new DeployError('registry-unreachable', { what: `the registry ${domain} does not answer: ${answer.reason}` });
}

/** The path in `Link: </v2/shop/web/tags/list?last=…>; rel="next"` (distribution spec, "Listing Tags"). */
function nextPage({ headers }: Answered): string | null {
  const link = /<([^>]+)>\s*;\s*rel="?next"?/.exec(String(headers['link'] ?? ''))?.[1];
  if (link === undefined) return null;
  const { pathname, search } = new URL(link, 'http://registry.invalid');
  return pathname + search;
}

function authconfigOf(login: Credentials, serveraddress: string): Record<string, string> {
  return login.kind === 'token'
    ? { identitytoken: login.token, serveraddress }
    : { username: login.username, password: login.password, serveraddress };
}

function said({ status, text }: Answered): string {
  const errors = z
    .object({ errors: z.array(z.object({ code: z.string(), message: z.string().optional() })) })
    .safeParse(jsonOf(text));
  const first = errors.success ? errors.data.errors[0] : undefined;
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
