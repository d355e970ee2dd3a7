import type { LoadReport } from '../../demo/load/types.ts';
import { deploys, type Example, EXAMPLES, typed } from '../support/examples.ts';
import { TestProject } from '../support/project.ts';
import type { Figure } from './figure.ts';

/** test/engine/database.test.ts types all of it. */
const POSTGRES: Example = { folder: 'postgres', proxy: 'caddy' };

interface Beginning {
  readonly commands: number;
  readonly ms: number;
  readonly requests: number;
  readonly failed: number;
}

/** From a clean folder to the first deploy that ran under load, in every folder of examples/: what it takes of a person. */
export async function benchExamples(): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const example of [...EXAMPLES, POSTGRES]) {
    const { folder } = example;
    const { commands, ms, requests, failed } = await beginning(example);
    console.log(
      `| ${folder} | ${String(commands)} | ${(ms / 1000).toFixed(0)} | ${String(failed)} of ${String(requests)} |`,
    );
    figures.push(
      { name: `examples/${folder}: to the first deploy under load`, value: ms, unit: 'ms', goal: null },
      { name: `examples/${folder}: failed meanwhile`, value: failed, unit: 'failed', goal: 0 },
    );
  }
  return figures;
}

/** Not all that ends with 0 has deployed something. */
function isAnother({ byVersion }: LoadReport): boolean {
  return Object.keys(byVersion).length > 1;
}

async function beginning(example: Example): Promise<Beginning> {
  const project = await TestProject.example(example.folder, example.proxy);
  const began = performance.now();
  let commands = 0;
  let isUnderLoad = false;
  try {
    for await (const { line, run, report } of typed(project, example)) {
      commands += 1;
      if (isUnderLoad && report !== null && deploys(line) && run.exit === 0 && isAnother(report)) {
        const { requests, failures } = report;
        const failed = failures.filter(({ version }) => example.fails?.includes(version) !== true).length;
        return { commands, ms: performance.now() - began, requests, failed };
      }
      isUnderLoad = report !== null;
    }
    throw new Error(`no deploy of examples/${example.folder} ran under load`);
  } finally {
    await project.dispose();
  }
}
