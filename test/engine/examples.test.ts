import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import type { Load, LoadOptions } from '../../demo/load/load.ts';
import { HostNginx } from '../support/host-nginx.ts';
import { type ProxyKind, TestProject } from '../support/project.ts';

const EXAMPLES = join(import.meta.dirname, '..', '..', 'examples');
const KINDS = { kept: 3, fresh: 2 };
/** Debian's nginx resets idle connections when it reloads (W06): each request has one of its own. */
const FRESH = { kinds: { fresh: 5 } };

interface Example {
  readonly folder: string;
  readonly proxy: ProxyKind;
  /** The proxy is the nginx of this machine. */
  readonly onHost?: true;
  /** Lines that do not end with 0. */
  readonly exits?: Readonly<Record<string, number>>;
  readonly load?: (port: number) => Partial<LoadOptions>;
  /** Requests that fail all the same, by the version that answered them; '' is nobody. */
  readonly fails?: readonly string[];
}

/** What a person types in each of them, and what is true of it. */
const ALL: readonly Example[] = [
  {
    folder: 'caddy-tls',
    proxy: 'caddy',
    load: (port) => ({
      url: `https://127.0.0.1:${String(port)}`,
      host: 'localhost',
      kinds: { ...KINDS, 'kept-h2': 2 },
    }),
  },
  { folder: 'nginx', proxy: 'nginx' },
  { folder: 'nginx-host', proxy: 'nginx', onHost: true, load: () => FRESH },
  { folder: 'two-ports', proxy: 'nginx', onHost: true, load: () => FRESH },
  { folder: 'rolling', proxy: 'caddy' },
  { folder: 'canary', proxy: 'caddy', exits: { 'docker deploy-bg deploy v3': 1 }, fails: ['v3'] },
  { folder: 'recreate', proxy: 'caddy', fails: [''] },
];

/** Every line that its README says to type, in their order. */
async function printed(folder: string): Promise<readonly string[]> {
  const text = await readFile(join(EXAMPLES, folder, 'README.md'), 'utf8');
  return [...text.matchAll(/^```sh\n(.*?)^```$/gms)].flatMap(([, block = '']) => block.trim().split('\n'));
}

let project: TestProject;
let nginx: HostNginx | null = null;
afterEach(async () => {
  await project.dispose();
  await nginx?.remove();
  nginx = null;
});

describe.each(ALL)('examples/$folder', ({ folder, proxy, onHost, exits = {}, fails = [], load: options }) => {
  it('runs as printed', async () => {
    project = await TestProject.example(folder, proxy);
    const env = onHost === true ? await hostNginx() : {};
    let load: Load | null = null;
    for (const line of await printed(folder)) {
      if (line.includes(' reset ') && load !== null) await holds(load);
      const run = await project.type(line, env);
      expect(run.exit, `${line}:\n${run.stderr}`).toBe(exits[line] ?? 0);
      if (!line.includes('deploy-bg')) continue;
      load ??= project.load({ kinds: KINDS, ...options?.(project.port) });
      await load.waitFor((report) => report.requests > 0, 10_000, 'requests');
    }
    expect(await project.containers()).toEqual([]);
  });

  /** What a person who has one says besides: where it is. */
  async function hostNginx(): Promise<Record<string, string>> {
    nginx = await HostNginx.create();
    await nginx.start();
    return { PATH: nginx.path, NGINX: nginx.folder, PORT: String(project.port) };
  }

  async function holds(load: Load): Promise<void> {
    const { failures, byVersion } = await load.stop();
    expect(failures.filter(({ version }) => !fails.includes(version))).toEqual([]);
    expect(Object.keys(byVersion)).toEqual(expect.arrayContaining(['v1', 'v2']));
    for (const version of fails) expect(failures.some((failure) => failure.version === version)).toBe(true);
  }
});
