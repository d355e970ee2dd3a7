#!/usr/bin/env node
import { parseArgs } from 'node:util';
import { KINDS, startLoad, summary, type Kind, type LoadOptions, type LoadReport } from './load.ts';

const USAGE = `usage: load URL [--seconds N] [--host NAME] [--kind KIND=WORKERS]... [--json]

Sends requests of several kinds to URL and accounts for every one, until SIGTERM, Ctrl-C or for N seconds.
Kinds: ${KINDS.join(', ')}. Exit 0 when none failed, 1 when some did, 2 when it could not start.
`;
const SHOWN_FAILURES = 10;

interface Asked {
  readonly options: LoadOptions;
  readonly seconds: number | undefined;
  readonly json: boolean;
}

function readKinds(texts: readonly string[]): Partial<Record<Kind, number>> {
  const kinds: Partial<Record<Kind, number>> = {};
  for (const text of texts) {
    const [name, workers = ''] = text.split('=');
    const kind = KINDS.find((known) => known === name);
    if (!kind || !/^\d+$/.test(workers)) throw new Error(`not KIND=WORKERS: ${text}`);
    kinds[kind] = Number(workers);
  }
  return kinds;
}

function readSeconds(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (!(Number(text) > 0)) throw new Error(`not a number of seconds: ${text}`);
  return Number(text);
}

function readArguments(args: string[]): Asked {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      seconds: { type: 'string' },
      host: { type: 'string' },
      kind: { type: 'string', multiple: true },
      json: { type: 'boolean', default: false },
    },
  });
  const [url, ...more] = positionals;
  if (url === undefined || more.length > 0) throw new Error('exactly one URL is needed');
  const options: LoadOptions = {
    url,
    ...(values.host === undefined ? {} : { host: values.host }),
    ...(values.kind === undefined ? {} : { kinds: readKinds(values.kind) }),
  };
  return { options, seconds: readSeconds(values.seconds), json: values.json };
}

/** Resolves at SIGTERM, Ctrl-C or when the time is over. */
function untilTheEnd(seconds: number | undefined): Promise<void> {
  return new Promise((resolve) => {
    const timer = seconds === undefined ? undefined : setTimeout(resolve, seconds * 1000);
    const told = (): void => {
      clearTimeout(timer);
      resolve();
    };
    process.once('SIGTERM', told);
    process.once('SIGINT', told);
  });
}

function show(report: LoadReport, json: boolean): void {
  if (json) return void process.stdout.write(`${JSON.stringify(report)}\n`);
  process.stdout.write(`${summary(report)}\n`);
  for (const { kind, error, startedAt, endedAt } of report.failures.slice(0, SHOWN_FAILURES)) {
    process.stderr.write(
      `${new Date(startedAt).toISOString()} ${kind}: ${error} after ${Math.round(endedAt - startedAt)} ms\n`,
    );
  }
}

async function main(): Promise<number> {
  let asked: Asked;
  try {
    asked = readArguments(process.argv.slice(2));
  } catch (error) {
    process.stderr.write(`load: ${(error as Error).message}\n${USAGE}`);
    return 2;
  }
  const load = startLoad(asked.options);
  await untilTheEnd(asked.seconds);
  const report = await load.stop();
  show(report, asked.json);
  return report.failed > 0 ? 1 : 0;
}

process.exitCode = await main();
