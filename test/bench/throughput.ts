import { execa, type ResultPromise } from 'execa';
import type { Result } from '../../demo/load/types.ts';
import { ok, type ProxyKind, TestProject, until } from '../support/project.ts';
import { type Figure, median } from './figure.ts';
import { fast } from './startup.ts';

const SWITCHES = 4;
const CONNECTIONS = 32;
/** Longer than all switches take; both are told to stop earlier. */
const LONGEST_S = 300;
/** How much of the machine's most is asked for where the proxy has room to spare. */
const CALM_SHARE = 0.6;

/** Deploys at the most requests that this machine can do, by two generators, and at 60 % of it. Needs wrk and hey. */
export async function benchThroughput(proxy: ProxyKind): Promise<Figure[]> {
  const project = await TestProject.create({ proxy, web: fast() });
  try {
    await Promise.all(['v1', 'v2'].map((version) => project.build(version)));
    await ok(project.deploy('v1'));
    const wrk = await underWrk(project);
    const top = await underHey(project, null);
    const calm = await underHey(project, top.perSecond * CALM_SHARE);
    return [
      failedFigure(`${proxy}: failed of ${String(wrk.requests)} requests at the top (wrk, 4 switches)`, wrk.failed),
      failedFigure(`${proxy}: failed of ${String(top.requests)} requests at the top (hey, 4 switches)`, top.failed),
      failedFigure(`${proxy}: failed of ${String(calm.requests)} requests at 60 % (hey, 4 switches)`, calm.failed),
      {
        name: `${proxy}: p99 in the second around a switch against steady state, 8 switches`,
        value: median([...top.ratios, ...calm.ratios]),
        unit: '×',
        goal: null,
      },
    ];
  } finally {
    await project.dispose();
  }
}

function failedFigure(name: string, value: number): Figure {
  return { name, value, unit: 'failed', goal: 0 };
}

interface Counted {
  readonly requests: number;
  readonly failed: number;
}

async function underWrk(project: TestProject): Promise<Counted> {
  const generator = execa('wrk', ['-t2', `-c${String(CONNECTIONS)}`, `-d${String(LONGEST_S)}s`, project.url]);
  await switches(project);
  const text = await stopped(generator);
  const errors = /Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)/.exec(text)?.slice(1) ?? [];
  const refused = Number(/Non-2xx or 3xx responses: (\d+)/.exec(text)?.[1] ?? 0);
  const requests = Number(/(\d+) requests in/.exec(text)?.[1]);
  return { requests, failed: errors.reduce((sum, each) => sum + Number(each), refused) };
}

interface Timed extends Counted {
  readonly perSecond: number;
  /** p99 around each switch by that of the steady state. */
  readonly ratios: readonly number[];
}

/** hey makes the load, and says what failed; a few requests of our own beside it say when they were slow. */
async function underHey(project: TestProject, perSecond: number | null): Promise<Timed> {
  const pace = perSecond === null ? [] : ['-q', String(Math.max(1, Math.round(perSecond / CONNECTIONS)))];
  const own = project.load({ kinds: { kept: { concurrency: 10, everyMs: 20 } } });
  const words = ['-z', `${String(LONGEST_S)}s`, '-c', String(CONNECTIONS), ...pace, project.url];
  const generator = execa('hey', words);
  const moments = await switches(project);
  const counted = heyCounts(await stopped(generator));
  const { failed, requests, ...report } = await own.stop();
  const ratios = ratiosAt(moments, report.results());
  return { ...counted, requests: counted.requests + requests, failed: counted.failed + failed, ratios };
}

/** `[200]	1234 responses` by status, and `[12]	words of an error` by error. */
function heyCounts(text: string): Counted & Pick<Timed, 'perSecond'> {
  const [statuses = '', errors = ''] = text.split('Error distribution:');
  const responses = [...statuses.matchAll(/\[(\d+)\]\s+(\d+) responses/g)].map(([, status, count]) => {
    return { status, count: Number(count) };
  });
  const sum = (counts: readonly number[]): number => counts.reduce((all, count) => all + count, 0);
  const wrong = responses.filter(({ status }) => status !== '200');
  const lost = [...errors.matchAll(/\[(\d+)\]/g)].map(([, count]) => Number(count));
  return {
    requests: sum([...responses.map(({ count }) => count), ...lost]),
    failed: sum([...wrong.map(({ count }) => count), ...lost]),
    perSecond: Number(/Requests\/sec:\s+([\d.]+)/.exec(text)?.[1]),
  };
}

function ratiosAt(moments: readonly number[], results: readonly Result[]): readonly number[] {
  const far = ({ startedAt }: Result): boolean => moments.every((moment) => Math.abs(startedAt - moment) > 2000);
  const steady = p99(results.filter(far));
  return moments.map((moment) => p99(results.filter(({ startedAt }) => Math.abs(startedAt - moment) <= 500)) / steady);
}

function p99(results: readonly Result[]): number {
  const sorted = results.map(({ startedAt, endedAt }) => endedAt - startedAt).toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length * 0.99)] ?? NaN;
}

/** @returns when the proxy had confirmed each, in epoch ms */
async function switches(project: TestProject): Promise<readonly number[]> {
  await until('answers under load', async () => (await fetch(project.url)).ok);
  const at: number[] = [];
  for (let index = 0; index < SWITCHES; index += 1) {
    const serving = (await project.replicas())[0]?.version;
    const { stderr } = await ok(project.deploy(serving === 'v1' ? 'v2' : 'v1', '--progress', 'json'));
    at.push(switchedAt(stderr));
  }
  return at;
}

function switchedAt(ndjson: string): number {
  const events = ndjson
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as { time: string; kind: string; weight?: number });
  return Date.parse(events.find(({ kind, weight }) => kind === 'weight' && weight === 100)?.time ?? '');
}

/** Both print what they counted when they are interrupted. */
async function stopped(generator: ResultPromise): Promise<string> {
  generator.kill('SIGINT');
  const { stdout } = await generator.catch((error: unknown) => error as { readonly stdout: string });
  return String(stdout);
}
