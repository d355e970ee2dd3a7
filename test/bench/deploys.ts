import type { LoadReport } from '../../demo/load/types.ts';
import { docker, type ProxyKind, TestProject } from '../support/project.ts';
import { type Figure, median, timed } from './figure.ts';
import { fast } from './startup.ts';

const ROUNDS = 5;
/** What a deploy behind nginx is allowed to take longer (DESIGN section 7), although nothing waits for idle clients any more. */
const KEEPALIVE_MIN_TIMEOUT_MS = 2000;

/** Whole deploys against the raw engine doing the same, in turn; and how fast the traffic moves. */
export async function benchDeploys(proxy: ProxyKind): Promise<Figure[]> {
  const project = await TestProject.create({ proxy, web: fast() });
  try {
    await Promise.all(['v1', 'v2'].map((version) => project.build(version)));
    await mustDeploy(project, 'v1');
    const ours: number[] = [];
    const raw: number[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      ours.push(await timed(() => mustDeploy(project, round % 2 === 0 ? 'v2' : 'v1')));
      raw.push(await rawReplacement(project));
    }
    return [
      {
        name: `${proxy}: whole deploy against the raw engine`,
        value: median(ours) / median(raw),
        unit: '×',
        goal: 1.9 + (proxy === 'nginx' ? KEEPALIVE_MIN_TIMEOUT_MS / median(raw) : 0),
      },
      { name: `${proxy}: whole deploy`, value: median(ours), unit: 'ms', goal: null },
      { name: `${proxy}: the raw engine doing the same`, value: median(raw), unit: 'ms', goal: null },
      ...(await switchTimes(project)),
    ];
  } finally {
    await project.dispose();
  }
}

async function mustDeploy(project: TestProject, version: string): Promise<void> {
  const { exit, stderr } = await project.deploy(version);
  if (exit !== 0) throw new Error(`deploy ${version} ended with ${String(exit)}: ${stderr}`);
}

/** Two creates and starts, the first healthy answers, stop and remove of two others: nothing else. */
async function rawReplacement(project: TestProject): Promise<number> {
  const network = `${project.name}_default`;
  const start = async (): Promise<string> => {
    const container = await docker.createContainer({
      Image: project.image('v1'),
      Env: ['APP_READY_AFTER_MS=300'],
      Labels: { 'com.docker.compose.project': `${project.name}-blue`, 'deploy-bg.test': 'bench' },
      HostConfig: { NetworkMode: network },
    });
    await container.start();
    return container.id;
  };
  const old = await Promise.all([start(), start()]);
  await Promise.all(old.map((id) => healthy(id, network)));
  const ms = await timed(async () => {
    const fresh = await Promise.all([start(), start()]);
    await Promise.all(fresh.map((id) => healthy(id, network)));
    await Promise.all(old.map((id) => stopAndRemove(id)));
    old.splice(0, 2, ...fresh);
  });
  await Promise.all(old.map((id) => docker.getContainer(id).remove({ force: true })));
  return ms;
}

async function healthy(id: string, network: string): Promise<void> {
  const info = await docker.getContainer(id).inspect();
  const address = info.NetworkSettings.Networks[network]?.IPAddress ?? '';
  const deadline = performance.now() + 30_000;
  while (performance.now() < deadline) {
    const answer = await fetch(`http://${address}:3000/health`).catch(() => null);
    await answer?.arrayBuffer();
    if (answer?.ok === true) return;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Error(`${id} was not healthy within 30 s`);
}

async function stopAndRemove(id: string): Promise<void> {
  await docker.getContainer(id).stop({ t: 10 });
  await docker.getContainer(id).remove({ v: true });
}

/** From the moment the last replica was known to be ready to the last request that began later and met the old version. */
async function switchTimes(project: TestProject): Promise<Figure[]> {
  const fresh: number[] = [];
  const kept: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const old = (await project.replicas())[0]?.version ?? '';
    const load = project.load({
      kinds: { kept: { concurrency: 8, everyMs: 20 }, fresh: { concurrency: 4, everyMs: 10 } },
    });
    await load.waitFor((report) => report.ok > 50, 10_000, 'answers');
    const { stderr } = await project.run(['deploy', old === 'v1' ? 'v2' : 'v1', '--progress', 'json']);
    const readyAt = lastReady(stderr);
    const report = await load.stop();
    fresh.push(lastAnswer(report, old, 'fresh') - readyAt);
    kept.push(lastAnswer(report, old, 'kept') - readyAt);
  }
  const { proxy } = project;
  const goal = proxy === 'caddy' ? 50 : 300;
  return [
    {
      name: `${proxy}: candidate ready → last new connection answered by the old`,
      value: median(fresh),
      unit: 'ms',
      goal,
    },
    {
      name: `${proxy}: candidate ready → last request on a kept connection answered by the old`,
      value: median(kept),
      unit: 'ms',
      goal,
    },
  ];
}

function lastReady(ndjson: string): number {
  const events = ndjson
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as { time: string; kind: string; change?: string });
  return Date.parse(events.findLast((event) => event.kind === 'container' && event.change === 'ready')?.time ?? '');
}

function lastAnswer(report: LoadReport, version: string, kind: string): number {
  return Math.max(
    0,
    ...report
      .results()
      .filter((r) => r.version === version && r.kind === kind)
      .map((r) => r.startedAt),
  );
}
