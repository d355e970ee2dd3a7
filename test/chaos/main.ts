import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Command } from 'commander';
import { type Cell, type CellResult, runCell } from './cell.ts';
import { longPlan, shortPlan } from './plan.ts';
import { Subject } from './subject.ts';
import { table } from './table.ts';

interface Options {
  readonly short: boolean;
  readonly all: boolean;
  readonly only: string;
  readonly projects: string;
}

const program = new Command('npm run chaos --')
  .description(
    `Breaks deploys at every place there is, under load; exit 0 only if nothing was lost.
What befalls the engine itself takes one of its own: ./scripts/own-engine -- npm run chaos -- --only dockerd`,
  )
  .option('--short', 'what every change has to pass: a few minutes', false)
  .option('--all', 'every line of the journal, instead of the first of each sort: hours', false)
  .option('--only <words>', 'only rows that say all of these words', '')
  .option('--projects <n>', 'projects side by side', '4')
  .parse();

function nameOf({ kind, verb, fault }: CellResult['cell']): string {
  return `${kind.strategy}, ${kind.proxy}, ${String(kind.services)} services, ${verb}, ${fault}`;
}

async function main({ short, all, only, projects }: Options): Promise<void> {
  const cells = (short ? shortPlan() : longPlan(all)).filter((cell) => saysAll(nameOf(cell), only));
  const results: CellResult[] = [];
  for (const cell of cells) results.push(await told(cell, Number(projects)));
  console.log(`\n${table(results)}`);
  if (!short) console.log(`written to ${await write(results)}`);
  process.exitCode = results.some(({ broken }) => broken.length > 0) ? 1 : 0;
}

function saysAll(name: string, words: string): boolean {
  return words.split(' ').every((word) => name.includes(word));
}

async function told(cell: Cell, projects: number): Promise<CellResult> {
  const result = await runCell(cell, () => Subject.create(cell.kind), projects);
  const { points, requests, failed, broken, seconds } = result;
  const mark = broken.length === 0 ? '✔' : '✘';
  console.log(
    `${mark} ${nameOf(cell)}: ${String(points)} points, ${String(requests)} requests, ${String(failed)} failed, ${seconds.toFixed(0)} s`,
  );
  for (const what of broken) console.log(`    ${what}`);
  return result;
}

async function write(results: readonly CellResult[]): Promise<string> {
  const folder = join(process.cwd(), 'chaos', 'results');
  await mkdir(folder, { recursive: true });
  const file = join(folder, `${new Date().toISOString().replaceAll(':', '-')}.json`);
  await writeFile(file, `${JSON.stringify(results, null, 2)}\n`);
  return file;
}

await main(program.opts<Options>());
