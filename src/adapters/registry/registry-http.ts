import type Docker from 'dockerode';
import { DeployError } from '../../core/errors.ts';
import { type Answer, ask, type Question } from '../http/ask.ts';
import { authorizationFor } from './authorization.ts';
import type { Credentials } from './credentials.ts';
import { type RegistryPlace, registryPlaces } from './place.ts';

const DEADLINE_MS = 30_000;
/** Lists of tags of big repositories, with a manifest each in some registries. */
const LONGEST_LIST = 16 * 1024 * 1024;
const MOST_REDIRECTS = 5;
const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);

export type Answered = Extract<Answer, { readonly kind: 'answer' }>;

/** On whose behalf, and for how long. */
export interface Asking {
  readonly login: Credentials | null;
  readonly signal: AbortSignal;
}

/** The HTTP API of one registry. */
export class RegistryHttp {
  readonly #place: RegistryPlace;
  readonly #asking: Asking;

  private constructor(place: RegistryPlace, asking: Asking) {
    this.#place = place;
    this.#asking = asking;
  }

  /** By the first of its places that speaks HTTP. @throws registry-unreachable with what each of them said */
  static async reach(docker: Docker, domain: string, asking: Asking): Promise<RegistryHttp> {
    const reasons: string[] = [];
    for (const place of await registryPlaces(docker, domain)) {
      const http = new RegistryHttp(place, asking);
      const answer = await http.#ask({ url: `${place.url}/v2/`, method: 'GET', headers: {}, body: null });
      if (answer.kind === 'answer') return http;
      reasons.push(`${place.url}: ${answer.reason}`);
    }
    throw unreachable(domain, reasons.at(-1) ?? 'nobody knows where it is', reasons);
  }

  /**
   * With the login, if the registry itself wants to know who asks.
   * @param path on the registry, or the URL of its next page
   * @returns also where the answer came from
   * @throws registry-unreachable
   */
  async get(path: string): Promise<Answered & { readonly url: string }> {
    const url = new URL(path, this.#place.url).href;
    const plain = await this.#follow(url, {});
    if (plain.status !== 401 || !this.#isOwn(plain.url)) return plain;
    const authorization = await authorizationFor(plain.headers['www-authenticate'], this.#asking.login, async (about) =>
      this.#answered(await this.#ask(about)),
    );
    return authorization === null ? plain : this.#follow(url, { authorization });
  }

  /** Some registries are a name in front of another one, which is told no login. */
  async #follow(first: string, headers: Readonly<Record<string, string>>) {
    let url = first;
    for (let hop = 0; ; hop += 1) {
      const told = this.#isOwn(url) ? headers : {};
      const answer = this.#answered(await this.#ask({ url, method: 'GET', headers: told, body: null }));
      const next = String(answer.headers['location'] ?? '');
      if (!REDIRECTS.has(answer.status) || !URL.canParse(next, url) || hop === MOST_REDIRECTS)
        return { ...answer, url };
      url = new URL(next, url).href;
    }
  }

  #isOwn(url: string): boolean {
    return new URL(url).origin === new URL(this.#place.url).origin;
  }

  #ask(question: Omit<Question, 'timeoutMs'>): Promise<Answer> {
    const { trust } = this.#place;
    return ask({ ...question, timeoutMs: DEADLINE_MS, longest: LONGEST_LIST, trust }, this.#asking.signal);
  }

  #answered(answer: Answer): Answered {
    if (answer.kind === 'answer' && answer.status !== 429 && answer.status < 500) return answer;
    const reason = answer.kind === 'answer' ? `HTTP ${String(answer.status)}` : answer.reason;
    throw unreachable(new URL(this.#place.url).host, reason, []);
  }
}

function unreachable(domain: string, reason: string, details: readonly string[]): DeployError {
  return new DeployError('registry-unreachable', {
    what: `the registry ${domain} does not answer: ${reason}`,
    details,
  });
}
