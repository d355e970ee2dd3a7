import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { CLI, TestProject } from '../support/project.ts';
import { type Figure, median, timed } from './figure.ts';

const ROUNDS = 15;

/** Start-up of the plugin and of `status`, each against an empty Node in turn; peak memory of a deploy. */
export async function benchStartup(): Promise<Figure[]> {
  const project = await TestProject.create({ proxy: 'caddy', web: fast() });
  try {
    await project.build('v1');
    const memory = await peakMemory(project);
    const empty: number[] = [];
    const metadata: number[] = [];
    const status: number[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      empty.push(await timed(() => execa('node', ['-e', '0'])));
      metadata.push(await timed(() => execa('node', [CLI, 'docker-cli-plugin-metadata'])));
      status.push(await timed(() => project.run(['status'])));
    }
    return [
      { name: 'plugin metadata against node -e 0', value: median(metadata) / median(empty), unit: '×', goal: 1.3 },
      { name: 'status over node -e 0', value: median(status) - median(empty), unit: 'ms', goal: 300 },
      { name: 'peak memory of the CLI in a deploy', value: memory, unit: 'MB', goal: 120 },
    ];
  } finally {
    await project.dispose();
  }
}

/** A candidate that is ready when it answers its probe, and no window. */
export function fast(): Record<string, unknown> {
  return {
    healthcheck: { disable: true },
    deploy: { replicas: 2, update_config: { monitor: '0s' } },
    environment: { APP_READY_AFTER_MS: '300' },
  };
}

async function peakMemory(project: TestProject): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), 'deploy-bg-memory-'));
  const file = join(folder, 'maxrss');
  const report = `process.on('exit', () => require('node:fs').writeFileSync(${JSON.stringify(file)}, String(process.resourceUsage().maxRSS)))`;
  const hook = join(folder, 'report.cjs');
  try {
    await execa('node', ['-e', `require('node:fs').writeFileSync(${JSON.stringify(hook)}, ${JSON.stringify(report)})`]);
    const { exit, stderr } = await project.run(['deploy', 'v1'], { env: { NODE_OPTIONS: `--require=${hook}` } });
    if (exit !== 0) throw new Error(stderr);
    return Number(await readFile(file, 'utf8')) / 1024;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
