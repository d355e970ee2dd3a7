import { get } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';

/** Who answered, as the application says it (demo/app/endpoints.ts). */
export interface Who {
  readonly version: string;
  readonly color: string;
  readonly hostname: string;
}

/** One answer; `who` is null for anything but a 200 with JSON. */
export interface Answer {
  readonly status: number;
  readonly text: string;
  readonly who: (Who & { readonly upstream?: Who }) | null;
}

/** A question that is asked over and over, each time on a connection of its own. */
export interface Asking {
  /** Everything answered so far. */
  answers(): readonly Answer[];
  /** Ends the asking and returns every answer. */
  stop(): Promise<readonly Answer[]>;
}

const EVERY_MS = 10;
const ASKERS = 4;
const DEADLINE_MS = 10_000;

/** Asks a URL once. Status 0 with the reason as text if there was no answer. */
export function ask(url: string): Promise<Answer> {
  return new Promise((resolve) => {
    const failed = (error: Error): void => {
      resolve({ status: 0, text: String(error), who: null });
    };
    const call = get(url, { agent: false, signal: AbortSignal.timeout(DEADLINE_MS) }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (part: string) => (text += part));
      response.on('error', failed).on('end', () => {
        const status = response.statusCode ?? 0;
        resolve({ status, text, who: status === 200 ? (JSON.parse(text) as Answer['who']) : null });
      });
    });
    call.on('error', failed);
  });
}

/** Starts to ask a URL, a few times side by side, until stopped. */
export function startAsking(url: string): Asking {
  const answers: Answer[] = [];
  const stopped = new AbortController();
  const askers = Array.from({ length: ASKERS }, async () => {
    while (!stopped.signal.aborted) {
      answers.push(await ask(url));
      await sleep(EVERY_MS); // a pace, not a wait for anything
    }
  });
  return {
    answers: () => [...answers],
    stop: async () => {
      stopped.abort();
      await Promise.all(askers);
      return answers;
    },
  };
}

/** The answers in which somebody found a service of another version or color than their own, or nobody. */
export function mixed(answers: readonly Answer[]): readonly Answer[] {
  return answers.filter(({ who }) => who?.upstream?.version !== who?.version || who?.upstream?.color !== who?.color);
}
