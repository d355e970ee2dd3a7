import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { listen } from '../support/checks.ts';
import { CALM_HEALTHCHECK, type ProxyKind, type Run, TestProject } from '../support/project.ts';
import { LIGHT, measurements } from '../support/state.ts';

/** Time for some requests to be answered and written down. */
const FIGURE = { initial_delay: '2s' } as const;
/** Decides nothing: only its outcome is looked at. */
const DRY = { dry_run: true, error_limit: 0 } as const;

const CHECKS = {
  requests: { builtin: 'requests', pass: { min: 5 }, ...FIGURE },
  errors: { builtin: 'error_rate', pass: { max: 0.05 }, ...FIGURE },
  latency: { builtin: 'latency_p95', pass: { max: 700 }, ...FIGURE },
};

/** A09: a value below what passes, one that is not what fails, and one that is its own bound. */
const BOUNDS = {
  below: { builtin: 'requests', pass: { min: 1_000_000 }, ...DRY },
  'not-hit': { builtin: 'requests', fail: { min: 1_000_000 }, ...DRY },
  equal: { builtin: 'error_rate', pass: { min: 0, max: 0 }, ...FIGURE, ...DRY },
};

/** A11: what another server answers. */
function answers(url: string) {
  const asked = (path: string) => ({ http: { url: `${url}${path}` }, timeout: '1s', ...DRY });
  return { broken: asked('/500'), empty: asked('/204'), silent: asked('/never') };
}

function web(checks: Readonly<Record<string, object>>) {
  return {
    healthcheck: CALM_HEALTHCHECK,
    deploy: { replicas: 1, update_config: { monitor: '0s' } },
    'x-deploy-bg': {
      strategy: 'canary',
      steps: [50, { check: Object.keys(checks) }],
      checks,
      route: { port: 3000, probe: { path: '/health' } },
    },
  };
}

describe.each<ProxyKind>(['caddy', 'nginx'])('figures of the access log of %s', (proxy) => {
  let project: TestProject;

  beforeAll(async () => {
    project = await TestProject.create({ proxy, accessLog: true, web: web(CHECKS) });
    await Promise.all([
      ...['v1', 'v2'].map((version) => project.build(version)),
      project.build('bad', { APP_FAIL_PERCENT: '20' }),
      project.build('slow', { APP_ANSWER_AFTER_MS: '1000' }),
    ]);
    const deployed = await project.deploy('v1');
    expect(deployed, deployed.stderr).toMatchObject({ exit: 0 });
  });

  afterAll(() => project.dispose());

  const ids = async (): Promise<readonly string[]> => (await project.replicas()).map((c) => c.id);

  /** Each check with how it ended. The first that fails stops the others. */
  function outcomes(run: Run, checks: readonly string[]): Readonly<Record<string, string | undefined>> {
    return Object.fromEntries(checks.map((check) => [check, measurements(run, check).at(-1)?.outcome]));
  }

  it('a version that fails a fifth of its requests is led back', async () => {
    const stable = await ids();
    const load = project.load(LIGHT);
    const run = await project.deploy('bad', '--progress', 'json');
    const { failures, byVersion } = await load.stop();
    expect(run.exit, run.stderr).toBe(1);
    expect(outcomes(run, ['errors'])).toEqual({ errors: 'fail' });
    expect(measurements(run, 'errors')[0]?.text).toMatch(/^0\.(1|2)\d*, wanted at most 0\.05: of \d+ requests$/);
    expect(failures.filter(({ status, version }) => status !== 500 || version !== 'bad')).toEqual([]);
    expect(failures.length).toBe(Math.floor(((byVersion['bad'] ?? 0) + failures.length) / 5));
    expect(await ids()).toEqual(stable);
    expect(await project.status()).toMatchObject({ live: { version: 'v1' }, leftovers: [], disagreements: [] });
  });

  it('a version that takes a second for each answer is led back', async () => {
    const stable = await ids();
    const load = project.load(LIGHT);
    const run = await project.deploy('slow', '--progress', 'json');
    expect((await load.stop()).failures).toEqual([]);
    expect(run.exit, run.stderr).toBe(1);
    expect(outcomes(run, ['latency'])).toEqual({ latency: 'fail' });
    expect(await ids()).toEqual(stable);
  });

  it('A04 A09 A11 a good version passes, whatever dry runs find', async () => {
    const server = await listen(({ request }, response) => {
      if (request.url !== '/never') response.writeHead(Number(request.url?.slice(1))).end();
    });
    const dry = { ...BOUNDS, ...answers(server.url) };
    const checks = [...Object.keys(CHECKS), ...Object.keys(dry)];
    await project.edit({ web: web({ ...CHECKS, ...dry }) });
    const load = project.load(LIGHT);
    const run = await project.deploy('v2', '--progress', 'json');
    server.close();
    expect((await load.stop()).failures).toEqual([]);
    expect(run.exit, run.stderr).toBe(0);
    expect(outcomes(run, checks)).toEqual({
      ...{ requests: 'pass', errors: 'pass', latency: 'pass' },
      ...{ below: 'fail', 'not-hit': 'pass', equal: 'pass' },
      ...{ broken: 'error', empty: 'pass', silent: 'error' },
    });
    // Without a count each is made once (A04), however many end at the same time.
    expect(checks.map((name) => measurements(run, name).length)).toEqual(checks.map(() => 1));
    expect(await project.status()).toMatchObject({ live: { version: 'v2' }, leftovers: [], disagreements: [] });
  });
});
