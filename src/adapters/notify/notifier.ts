import type { Agent, RetryAgent } from 'undici';
import type { Clock } from '../../app/ports.ts';
import type { EventSink, ProgressEvent } from '../../core/events.ts';
import { type Notice, noticeOf, reaches } from '../../core/notice.ts';
import type { NotifyTarget } from '../../core/notify.ts';
import { redact } from '../../core/redact.ts';
import { reasonOf, withoutCredentials } from '../http/ask.ts';
import { payload } from './payload.ts';

/** Codes after which a try again may help; undici's own, and that nobody answered in time. */
const RETRIED = [
  'ECONNRESET',
  'ECONNREFUSED',
  'ENOTFOUND',
  'ENETDOWN',
  'ENETUNREACH',
  'EHOSTDOWN',
  'EHOSTUNREACH',
  'EPIPE',
  'UND_ERR_SOCKET',
  'UND_ERR_HEADERS_TIMEOUT',
  'UND_ERR_BODY_TIMEOUT',
  'UND_ERR_CONNECT_TIMEOUT',
];

export interface NotifierDeps {
  readonly clock: Clock;
  /** Told of a receiver that cannot be reached, once each. It must not lead back here. */
  readonly warn: EventSink;
  /** Texts that must not be sent (`secretsOf`). */
  readonly secrets: readonly string[];
}

/** Tells others about a rollout, beside it: whatever becomes of a notice changes nothing for the rollout. */
export interface Notifier {
  /** Returns at once; the notices of one receiver arrive in order. */
  readonly emit: (event: ProgressEvent) => void;
  /** Waits for notices under way, at most as long as one try may last, and gives up the rest. */
  readonly close: () => Promise<void>;
}

/** A notifier for all receivers of a project. */
export function createNotifier(project: string, targets: readonly NotifyTarget[], deps: NotifierDeps): Notifier {
  const receivers = targets.map((target) => new Receiver(project, target, deps));
  return {
    emit: (event) => {
      const notice = noticeOf(event);
      if (notice !== null)
        receivers.forEach((receiver) => {
          receiver.tell(notice);
        });
    },
    close: async () => {
      await Promise.all(receivers.map((receiver) => receiver.close()));
    },
  };
}

class Receiver {
  readonly #project: string;
  readonly #target: NotifyTarget;
  readonly #deps: NotifierDeps;
  readonly #givenUp = new AbortController();
  #agent: Promise<RetryAgent> | null = null;
  #last: Promise<void> = Promise.resolve();
  #warned = false;

  constructor(project: string, target: NotifyTarget, deps: NotifierDeps) {
    this.#project = project;
    this.#target = target;
    this.#deps = deps;
  }

  tell(notice: Notice): void {
    const { format, on } = this.#target;
    if (!reaches(notice, on)) return;
    const { clock, secrets } = this.#deps;
    const body = payload(format, redacted(notice, secrets), this.#project, clock.now());
    this.#last = this.#last.then(() => this.#send(body));
  }

  async #send(body: string): Promise<void> {
    try {
      await this.#post(body);
    } catch (error) {
      this.#warn(error);
    }
  }

  async #post(body: string): Promise<void> {
    const { url, authorization } = withoutCredentials(this.#target.url);
    this.#agent ??= createAgent(this.#target);
    const { statusCode, body: answer } = await (
      await this.#agent
    ).request({
      origin: url.origin,
      path: `${url.pathname}${url.search}`,
      method: 'POST',
      headers: { ...authorization, 'content-type': 'application/json' },
      body,
      signal: this.#givenUp.signal,
    });
    await answer.dump();
    if (statusCode > 299) throw new Error(`it answered ${statusCode}`);
  }

  #warn(error: unknown): void {
    if (this.#warned) return;
    this.#warned = true;
    const { secrets, warn } = this.#deps;
    const reason = redact(whyNot(error, this.#target.timeoutMs), secrets);
    warn({
      kind: 'warning',
      code: null,
      message: `${hostOf(this.#target.url)} could not be notified: ${reason}`,
      hint: 'see notify in x-deploy-bg; the rollout does not depend on it',
    });
  }

  async close(): Promise<void> {
    const waited = new AbortController();
    const late = this.#deps.clock.wait(this.#target.timeoutMs, waited.signal);
    await Promise.race([this.#last, late]);
    waited.abort();
    this.#givenUp.abort(new Error('there was no time left'));
    await this.#last;
    await (await this.#agent)?.destroy();
  }
}

function redacted({ level, text, fields }: Notice, secrets: readonly string[]): Notice {
  const shown = Object.entries(fields).map(([key, value]) => [
    key,
    typeof value === 'string' ? redact(value, secrets) : value,
  ]);
  return { level, text: redact(text, secrets), fields: Object.fromEntries(shown) as Notice['fields'] };
}

/** undici tries again: after half a second, then after twice the time, or when the answer says so. */
async function createAgent({ timeoutMs, retries }: NotifyTarget): Promise<RetryAgent> {
  const { default: undici } = await import('undici');
  const agent: Agent = new undici.Agent({
    connect: { timeout: timeoutMs },
    headersTimeout: timeoutMs,
    bodyTimeout: timeoutMs,
  });
  return new undici.RetryAgent(agent, { maxRetries: retries, methods: ['POST'], errorCodes: RETRIED });
}

function whyNot(error: unknown, timeoutMs: number): string {
  const status = error instanceof Error && 'statusCode' in error ? error.statusCode : null;
  return typeof status === 'number' ? `it answered ${status}` : reasonOf(error, timeoutMs);
}

/** Behind the host a webhook's secret begins. */
function hostOf(url: string): string {
  return URL.canParse(url) ? new URL(url).host : 'a receiver';
}
