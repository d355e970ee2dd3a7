import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ProxyKind } from '../support/project.ts';
import { benchDeploys } from './deploys.ts';
import { benchDying } from './dying.ts';
import { benchExamples } from './examples.ts';
import type { Figure } from './figure.ts';
import { benchStartup } from './startup.ts';
import { benchThroughput } from './throughput.ts';

/** `npm run bench [-- caddy|nginx|startup|throughput|dying|examples]`: every figure as a ratio or a time of the same run, printed and written as JSON. */
async function main(): Promise<void> {
  const wanted = process.argv.slice(2);
  const runs = (name: string): boolean => wanted.length === 0 || wanted.includes(name);
  const figures: Figure[] = [];
  if (runs('startup')) figures.push(...(await benchStartup()));
  for (const proxy of ['caddy', 'nginx'] as const satisfies readonly ProxyKind[]) {
    if (runs(proxy)) figures.push(...(await benchDeploys(proxy)));
    if (wanted.includes('dying')) figures.push(...(await benchDying(proxy)));
    // Takes all of the machine, and generators that not everybody has.
    if (wanted.includes('throughput')) figures.push(...(await benchThroughput(proxy)));
  }
  if (wanted.includes('examples')) figures.push(...(await benchExamples()));
  for (const { name, value, unit, goal } of figures) {
    const mark = goal === null ? ' ' : value <= goal ? '✔' : '✘';
    console.log(
      `${mark} ${name.padEnd(72)} ${value.toFixed(2).padStart(8)} ${unit.padEnd(6)} ${goal === null ? '' : `goal ≤ ${goal.toFixed(2).replace(/\.?0+$/, '')}`}`,
    );
  }
  const folder = join(process.cwd(), 'bench', 'results');
  await mkdir(folder, { recursive: true });
  const file = join(folder, `${new Date().toISOString().replaceAll(':', '-')}.json`);
  await writeFile(file, `${JSON.stringify({ node: process.version, figures }, null, 2)}\n`);
  console.log(`written to ${file}`);
  process.exitCode = figures.some(({ value, goal }) => goal !== null && value > goal) ? 1 : 0;
}

await main();
