import { execa } from 'execa';
import { CALM_HEALTHCHECK, docker, ok, type ProxyKind, TestProject, until } from '../support/project.ts';
import { type Figure, median } from './figure.ts';

const ROUNDS = 5;
/** For so long a proxy may still ask who is gone: Caddy tries others for 4 s. */
const SETTLED_MS = 5000;
const TIGHT = { concurrency: 4, everyMs: 20 };

/** Requests that are lost with a replica that is killed while nobody deploys: with an agent, and by the proxy alone. */
export async function benchDying(proxy: ProxyKind): Promise<Figure[]> {
  await execa('scripts/images', ['--agent']);
  const figures: Figure[] = [];
  for (const watched of [false, true]) {
    const lost = await lostWith(proxy, watched);
    const who = watched ? 'with an agent' : 'the proxy alone';
    figures.push({ name: `${proxy}: requests lost with a replica, ${who}`, value: lost, unit: 'lost', goal: null });
  }
  return figures;
}

async function lostWith(proxy: ProxyKind, watched: boolean): Promise<number> {
  const project = await TestProject.create({
    proxy,
    web: { healthcheck: CALM_HEALTHCHECK, restart: 'no', deploy: { replicas: 2, update_config: { monitor: '0s' } } },
  });
  try {
    await project.build('v1');
    if (watched) await ok(project.run(['agent', 'init']));
    await ok(project.deploy('v1'));
    const lost: number[] = [];
    for (let round = 0; round < ROUNDS; round += 1) lost.push(await killOne(project));
    return median(lost);
  } finally {
    await project.dispose();
  }
}

async function killOne(project: TestProject): Promise<number> {
  const isReady = async (id: string): Promise<boolean> =>
    (await docker.getContainer(id).inspect()).State.Health?.Status === 'healthy';
  const [replica] = await project.replicas();
  const id = replica?.id ?? '';
  const load = project.load({ kinds: { kept: TIGHT, fresh: TIGHT, post: TIGHT } });
  await load.waitFor((report) => report.ok > 200, 10_000, 'answers');
  await docker.getContainer(id).kill();
  const dead = performance.timeOrigin + performance.now();
  const now = (): number => performance.timeOrigin + performance.now();
  await load.waitFor(() => now() > dead + SETTLED_MS, 2 * SETTLED_MS, 'requests after it');
  const { failures } = await load.stop();
  await docker.getContainer(id).start();
  await until('it to be back', () => isReady(id));
  return failures.length;
}
