import { PassThrough, Readable } from 'node:stream';
import type Docker from 'dockerode';
import type { ContainerLine, LogOptions } from '../../app/ports.ts';
import { demultiplexed } from './frames.ts';

/** What the engine writes before each line when it is asked for times (Docker Engine API, `timestamps`). */
const STAMPED = /^(\d{4}-\d\d-\d\dT[\d:.]+Z) ?(.*)$/s;

/** The last lines of both streams, oldest first. */
export async function lastLines(
  container: Docker.Container,
  isTty: boolean,
  { tail, since }: Omit<LogOptions, 'signal'>,
): Promise<readonly ContainerLine[]> {
  const output = await container.logs({ ...asked(tail, since), follow: false });
  const text = isTty ? output.toString('utf8') : demultiplexed(output);
  return text.split('\n').flatMap(parsed);
}

/** The same and what comes, until the container ends or the signal fires. */
export async function* followedLines(
  container: Docker.Container,
  isTty: boolean,
  { tail, since, signal }: LogOptions,
): AsyncGenerator<ContainerLine, void, undefined> {
  const stream = await container.logs({ ...asked(tail, since), follow: true });
  const end = (): void => {
    if (stream instanceof Readable) stream.destroy();
  };
  signal.addEventListener('abort', end, { once: true });
  if (signal.aborted) end();
  try {
    for await (const line of linesOf(isTty ? stream : withoutFrames(container, stream))) yield* parsed(line);
  } finally {
    signal.removeEventListener('abort', end);
    end();
  }
}

function asked(tail: LogOptions['tail'], since: LogOptions['since']) {
  return {
    stdout: true,
    stderr: true,
    timestamps: true,
    // The engine knows the word; its types do not.
    tail: tail as number,
    ...(since === null ? {} : { since: since / 1000 }),
  };
}

function withoutFrames(container: Docker.Container, stream: NodeJS.ReadableStream): Readable {
  const both = new PassThrough();
  const modem = container.modem as Docker['modem'];
  modem.demuxStream(stream, both, both);
  for (const end of ['end', 'close', 'error']) stream.once(end, () => both.end());
  return both;
}

/** By what ends a line of a log alone: a carriage return may stand in the middle of one. */
async function* linesOf(stream: NodeJS.ReadableStream): AsyncGenerator<string, void, undefined> {
  let rest = '';
  for await (const chunk of stream.setEncoding('utf8')) {
    const lines = (rest + String(chunk)).split('\n');
    rest = lines.pop() ?? '';
    yield* lines;
  }
  if (rest !== '') yield rest;
}

/** No line for what has no time: the end of the text. */
function parsed(text: string): readonly ContainerLine[] {
  const [, at, words] = STAMPED.exec(text.replace(/\r$/, '')) ?? [];
  return at === undefined || words === undefined ? [] : [{ at: Date.parse(at), stamp: at, text: words }];
}
