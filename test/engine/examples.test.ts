import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import type { LoadReport } from '../../demo/load/types.ts';
import { EXAMPLES, typed } from '../support/examples.ts';
import { TestProject } from '../support/project.ts';

let project: TestProject;
afterEach(() => project.dispose());

describe.each(EXAMPLES)('examples/$folder', (example) => {
  const { folder, proxy, exits = {}, says = {}, after = {}, versions = ['v1', 'v2'], fails = [] } = example;

  it('runs as printed', async () => {
    project = await TestProject.example(folder, proxy);
    let report: LoadReport | null = null;
    for await (const step of typed(project, example)) {
      const { line, run } = step;
      expect(run.exit, `${line}:\n${run.stderr}`).toBe(exits[line] ?? 0);
      expect(run.stdout + run.stderr).toMatch(says[line] ?? /^/);
      await after[line]?.(project);
      report = step.report;
    }
    holds(report);
    expect(await project.containers()).toEqual([]);
  });

  function holds(report: LoadReport | null): void {
    const { failures, byVersion } = report ?? { failures: [], byVersion: {} };
    expect(failures.filter(({ version }) => !fails.includes(version))).toEqual([]);
    expect(Object.keys(byVersion)).toEqual(expect.arrayContaining([...versions]));
    for (const version of fails) expect(failures.some((failure) => failure.version === version)).toBe(true);
  }
});

describe('the line for cron', () => {
  it('is the one that examples/updates types', async () => {
    const text = await readFile(join(import.meta.dirname, '../../examples/updates/README.md'), 'utf8');
    const [, line = 'none'] = /^30 4 \* \* \* {2}cd \/srv\/shop && (.*)$/m.exec(text) ?? [];
    expect(text.split('\n')).toContain(line);
  });
});
