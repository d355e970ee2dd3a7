import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Load } from '../../demo/load/load.ts';
import { type Run, TestProject } from '../support/project.ts';
import { containerIds, expectError, unwrapped } from '../support/state.ts';

const EXAMPLE = join(import.meta.dirname, '..', '..', 'examples', 'postgres');

/** Requests that all read and write the database; each POST adds a customer. */
const KINDS = {
  kept: { concurrency: 3, everyMs: 100 },
  fresh: 1,
  post: { concurrency: 1, everyMs: 100, path: '/customers' },
};

/** What examples/postgres/README.md says to type, line by line. */
async function printed(): Promise<readonly string[]> {
  const text = await readFile(join(EXAMPLE, 'README.md'), 'utf8');
  return [...text.matchAll(/^```sh\n(.*?)^```$/gms)].flatMap(([, block = '']) => block.trim().split('\n'));
}

let project: TestProject;
let load: Load;

beforeAll(async () => {
  project = await TestProject.example('postgres', 'caddy');
});
afterAll(() => project.dispose());

/** What the database answers, a row a line. */
function sql(query: string): Promise<string> {
  return project.compose(['exec', '-T', 'db', 'psql', '-U', 'shop', '-Atc', query]);
}

async function columns(): Promise<readonly string[]> {
  const query = `SELECT column_name FROM information_schema.columns WHERE table_name = 'customers' ORDER BY 1`;
  return (await sql(query)).split('\n');
}

/** The versions whose image ran the migrations, in turn. */
async function migrated(): Promise<readonly string[]> {
  return (await sql('SELECT version FROM releases ORDER BY migrated')).split('\n');
}

async function served(version: string, color: string): Promise<void> {
  expect(await project.status()).toMatchObject({ live: { version, color }, leftovers: [], disagreements: [] });
}

/** Types a line and sees how it ended. */
async function type(line: string, exit = 0): Promise<Run> {
  const run = await project.type(line);
  expect(run, run.stderr).toMatchObject({ exit });
  return run;
}

async function succeeds(line: string): Promise<void> {
  await type(line);
}

/** Each line of the README in its order, with what is true after it. */
const STEPS: readonly [line: string, run: (line: string) => Promise<void>][] = [
  ['mkdir -p backup', succeeds],
  [
    'docker deploy-bg deploy v1',
    async (line) => {
      await type(line);
      await served('v1', 'blue');
      expect(await columns()).toEqual(['id', 'name']);
      load = project.load({ kinds: KINDS });
    },
  ],
  ['mkdir backup/before-v2.dump', succeeds],
  [
    'docker deploy-bg deploy v2',
    async (line) => {
      const before = await containerIds(project);
      const failed = await type(line, 1);
      expectError(failed, { exit: 1, code: 'rollout-failed' });
      expect(unwrapped(failed)).toContain('hook pre_deploy failed');
      expect(await containerIds(project)).toEqual(before);
      expect([await columns(), await migrated()]).toEqual([['id', 'name'], ['v1']]);
    },
  ],
  ['rmdir backup/before-v2.dump', succeeds],
  [
    'docker deploy-bg deploy v2',
    async (line) => {
      await type(line);
      await served('v2', 'green');
      expect((await stat(join(project.directory, 'backup', 'before-v2.dump'))).size).toBeGreaterThan(1000);
      expect(await columns()).toEqual(['full_name', 'id', 'name']);
      expect(await migrated()).toEqual(['v1', 'v2']);
    },
  ],
  [
    'docker deploy-bg deploy v3',
    async (line) => {
      await type(line);
      await served('v3', 'blue');
    },
  ],
  [
    'docker deploy-bg rollback',
    async (line) => {
      await type(line);
      await served('v2', 'green');
      expect(await sql('SELECT count(*) FROM customers WHERE name IS DISTINCT FROM full_name')).toBe('0');
      expect(await migrated()).toEqual(['v1', 'v2', 'v3']);
    },
  ],
  [
    'docker deploy-bg deploy v3',
    async (line) => {
      await type(line);
      await served('v3', 'blue');
    },
  ],
  [
    'docker deploy-bg deploy v4',
    async (line) => {
      await type(line);
      await served('v4', 'green');
      expect(await columns()).toEqual(['full_name', 'id']);
      expect(await migrated()).toEqual(['v1', 'v2', 'v3', 'v3', 'v4']);
      const { failures, byKind, byVersion } = await load.stop();
      expect(failures).toEqual([]);
      expect(Object.keys(byVersion).sort()).toEqual(['v1', 'v2', 'v3', 'v4']);
      const added = (await sql('SELECT count(*) FROM customers WHERE id > 10')).trim();
      expect(Number(added)).toBe(byKind.post?.requests);
    },
  ],
  [
    `docker compose exec -T db psql -U shop -c 'TABLE releases' -c '\\d customers'`,
    async (line) => {
      expect((await type(line)).stdout).toContain('full_name');
    },
  ],
  [
    'docker compose exec -T db pg_restore --list /backup/before-v4.dump',
    async (line) => {
      expect((await type(line)).stdout).toContain('TABLE DATA public customers');
    },
  ],
  ['docker deploy-bg reset --force', succeeds],
  [
    'docker compose down --volumes',
    async (line) => {
      await type(line);
      expect(await containerIds(project)).toEqual([]);
    },
  ],
];

/** Seven rollouts: on a slow machine they take their time. */
const LONG_MS = 900_000;

it(
  'a column is renamed in three deploys as the example prints it, with a rollback in between and no lost request',
  { timeout: LONG_MS },
  async () => {
    expect(STEPS.map(([line]) => line)).toEqual(await printed());
    for (const [line, run] of STEPS) await run(line);
  },
);
