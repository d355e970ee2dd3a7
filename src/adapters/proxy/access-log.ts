import { join } from 'node:path';
import type { AccessLog } from '../../app/check-ports.ts';
import type { Clock, RouterTarget } from '../../app/ports.ts';
import { DeployError } from '../../core/errors.ts';
import type { AccessRecord } from '../../core/figures.ts';
import type { Millis } from '../../core/observed.ts';
import { parseCaddyLine } from './caddy/access-log.ts';
import { CADDY_LOG_LINE, LOG_FILE, LOG_FOLDER } from './log-place.ts';
import { onDisk, readIfThere } from './files.ts';
import { LogFile } from './log-file.ts';
import { parseNginxLine } from './nginx/access-log.ts';
import { writtenNames } from './nginx/endpoints.ts';
import { isLogIncluded, keepLogging, LOG_LIMIT, LOG_INCLUDE_FILE } from './nginx/logging.ts';
import { HTTP_FILE, LIVE_LINK } from './nginx/render.ts';
import { States } from './states.ts';

/** Enough for every figure; the oldest are forgotten first. */
const MOST_RECORDS = 500_000;

/** What differs between proxies. */
interface Source {
  readonly parse: (line: string) => AccessRecord | null;
  /** Containers by what the log calls them, where that says nothing of them. */
  readonly names: () => Promise<ReadonlyMap<string, string>>;
  /** Has the proxy go on writing; false if its configuration does not say that it shall write. */
  readonly prepare: () => Promise<boolean>;
  /** Above this size the file is emptied by us; null if the proxy rotates it. */
  readonly limit: number | null;
  /** What to add to the user's configuration. */
  readonly next: string;
}

/** What the proxy of a project writes down about the requests that it answered; null where there is no proxy of ours. */
export function createAccessLog({ spec }: RouterTarget, clock: Clock): AccessLog | null {
  const { driver, output, mounted } = spec;
  if (driver === 'none' || output === null || mounted === null) return null;
  const caddy: Source = {
    parse: parseCaddyLine,
    names: () => Promise.resolve(NO_NAMES),
    prepare: () => Promise.resolve(true),
    limit: null,
    next: `add \`${CADDY_LOG_LINE}\` to the site that has the routes`,
  };
  const nginx: Source = {
    parse: parseNginxLine,
    names: () => (spec.service === null ? writtenIn(output) : Promise.resolve(NO_NAMES)),
    prepare: async () => {
      await keepLogging(output, clock.now());
      return isLogIncluded(output);
    },
    limit: LOG_LIMIT,
    next: `add \`include ${mounted}/${LOG_INCLUDE_FILE};\` to the server that has the routes`,
  };
  return new FileAccessLog(output, driver === 'caddy' ? caddy : nginx);
}

const NO_NAMES: ReadonlyMap<string, string> = new Map();

/** By the configurations that there are: a port of the machine says nothing of who listens behind it. */
async function writtenIn(output: string): Promise<ReadonlyMap<string, string>> {
  const states = await new States(output, LIVE_LINK).all();
  const texts = await Promise.all(states.map((state) => readIfThere(join(output, state, HTTP_FILE))));
  return new Map(texts.flatMap((text) => [...writtenNames(text ?? '')]));
}

class FileAccessLog implements AccessLog {
  readonly #output: string;
  readonly #source: Source;
  readonly #file: LogFile;
  #records: AccessRecord[] = [];
  #reading: Promise<void> = Promise.resolve();

  constructor(output: string, source: Source) {
    this.#output = output;
    this.#source = source;
    this.#file = new LogFile(join(output, LOG_FOLDER), LOG_FILE);
  }

  async since(moment: Millis, signal: AbortSignal): Promise<readonly AccessRecord[]> {
    // One after the other: each line is to be read once.
    const reading = this.#reading.then(() => onDisk(this.#output, () => this.#read(signal)));
    this.#reading = reading.catch(() => undefined);
    await reading;
    return this.#records.filter(({ at }) => at >= moment);
  }

  async #read(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const { parse, names, prepare, limit, next } = this.#source;
    const lines = (await prepare()) ? await this.#file.newLines() : null;
    if (lines === null)
      throw new DeployError('proxy-not-wired', { what: 'the proxy writes no access log for us', next });
    const known = await names();
    const read = lines.flatMap((line) => parse(line) ?? []).map((record) => named(record, known));
    this.#records = [...this.#records, ...read].slice(-MOST_RECORDS);
    if (limit !== null && this.#file.size > limit) await this.#file.truncate();
  }
}

function named(record: AccessRecord, known: ReadonlyMap<string, string>): AccessRecord {
  const name = record.upstream === null ? undefined : known.get(record.upstream);
  return name === undefined ? record : { ...record, upstream: name };
}
