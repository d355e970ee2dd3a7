import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { CALM_HEALTHCHECK, freePort, TEST_LABEL, TestProject, until } from '../support/project.ts';
import { LIGHT, measurements } from '../support/state.ts';

/** A color's containers answer to the service's name with the color on every shared network. */
const SCRAPES = {
  global: { scrape_interval: '500ms', scrape_timeout: '400ms' },
  scrape_configs: [
    {
      job_name: 'web',
      dns_sd_configs: [{ names: ['web-blue', 'web-green'], type: 'A', port: 3000, refresh_interval: '500ms' }],
    },
  ],
};

/** Share of the answers that were errors, of the version that is being deployed. */
const QUERY = (() => {
  const rate = (more: string): string => `sum(rate(app_requests_total{version="\${VERSION}"${more}}[5s]))`;
  return `${rate(',status=~"5.."')} / ${rate('')}`;
})();

/** What Prometheus says to an instant query; null for nothing. */
async function ask(url: string, query: string): Promise<number | null> {
  const answer = await fetch(`${url}/api/v1/query?query=${encodeURIComponent(query)}`).catch(() => null);
  if (answer?.status !== 200) return null;
  const { data } = (await answer.json()) as { data: { result: readonly { value: [number, string] }[] } };
  return data.result[0] === undefined ? null : Number(data.result[0].value[1]);
}

describe('a canary that a Prometheus of the project watches', () => {
  let project: TestProject;
  let url: string;

  beforeAll(async () => {
    const port = await freePort();
    url = `http://127.0.0.1:${String(port)}`;
    const errors = {
      ...{ prometheus: { url, query: QUERY }, pass: { max: 0.05 } },
      ...{ initial_delay: '2s', interval: '500ms', count: 4, failure_limit: 1, error_limit: 20 },
    };
    const web = {
      healthcheck: CALM_HEALTHCHECK,
      deploy: { replicas: 2, update_config: { monitor: '1s' } },
      'x-deploy-bg': {
        strategy: 'canary',
        steps: [50, { check: ['errors'] }],
        checks: { errors },
        route: { port: 3000, probe: { path: '/health' } },
      },
    };
    const prometheus = {
      image: 'prom/prometheus:v3',
      ports: [`127.0.0.1:${String(port)}:9090`],
      volumes: ['./prometheus:/etc/prometheus:ro'],
    };
    project = await TestProject.create({ proxy: 'caddy', web, services: { prometheus } });
    await project.write('prometheus/prometheus.yml', stringify(SCRAPES));
    await Promise.all(['v1', 'v2'].map((version) => project.build(version)));
    await project.build('bad', { APP_FAIL_PERCENT: '20' });
    const deployed = await project.deploy('v1');
    expect(deployed, deployed.stderr).toMatchObject({ exit: 0 });
    await until('both replicas of v1 to be scraped', async () => (await ask(url, 'sum(up{job="web"})')) === 2);
  });

  afterAll(() => project.dispose());

  it('A09 goes back from a version that fails a fifth of its requests, and nobody else’s request fails', async () => {
    const stable = (await project.replicas()).map((c) => c.id);
    const load = project.load(LIGHT);
    const run = await project.deploy('bad', '--progress', 'json');
    const { failures, byVersion } = await load.stop();
    expect(run.exit).toBe(1);
    const values = measurements(run, 'errors').filter(({ outcome }) => outcome === 'fail');
    expect(values.length).toBe(2);
    for (const { text } of values) expect(text).toMatch(/^0\.[12]\d*, wanted at most 0\.05$/);

    expect(failures.filter(({ status, version }) => status !== 500 || version !== 'bad')).toEqual([]);
    expect(failures.length).toBe(Math.floor(((byVersion['bad'] ?? 0) + failures.length) / 5));
    expect(failures.length).toBeGreaterThan(0);
    expect((await project.replicas()).map((c) => c.id)).toEqual(stable);
    expect(await project.status()).toMatchObject({ live: { version: 'v1' }, leftovers: [], disagreements: [] });
  });

  it('goes all the way with a good version, and shows each value as it comes in', async () => {
    const load = project.load(LIGHT);
    const run = await project.deploy('v2');
    expect(run, run.stderr).toMatchObject({ exit: 0 });
    expect((await load.stop()).failures).toEqual([]);
    expect(run.stderr.match(/check errors of web: pass: 0, wanted at most 0\.05/g)).toHaveLength(4);
    expect(await project.status()).toMatchObject({ live: { version: 'v2' }, leftovers: [], disagreements: [] });
  });
});

it('Prometheus takes the example alerts as they are', async () => {
  const rules = `${join(import.meta.dirname, '../../templates/prometheus')}:/rules:ro`;
  const words = ['run', '--rm', '--label', TEST_LABEL, '--volume', rules, '--entrypoint', 'promtool'];
  const { stdout } = await execa('docker', [...words, 'prom/prometheus:v3', 'check', 'rules', '/rules/alerts.yml']);
  expect(stdout).toContain('SUCCESS');
});
