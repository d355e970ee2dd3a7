import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { ACTION_FOLDER, type Action, readAction } from '../support/action.ts';

const action: Action = await readAction();
const { steps } = action.runs;

describe('action.yml', () => {
  it('is a composite action of steps that say their shell, and takes nothing from anybody else', () => {
    expect(action.runs.using).toBe('composite');
    for (const step of steps) expect(step).toMatchObject({ run: expect.any(String) as string, shell: 'bash' });
    expect(steps.filter(({ uses }) => uses !== undefined)).toEqual([]);
  });

  it('uses every input, and only such as it has, each with a description', () => {
    const used = steps
      .flatMap(({ env = {} }) => Object.values(env))
      .map((value) => /inputs\.([\w-]+)/.exec(value)?.[1]);
    expect(used.sort()).toEqual(Object.keys(action.inputs).sort());
    for (const { description } of Object.values(action.inputs)) expect(description).toMatch(/\w/);
  });

  it('puts no value into a script, where it would be code', () => {
    for (const { run } of steps) expect(run).not.toContain('${{');
  });

  it('runs a script that is there, with all variables that it knows', async () => {
    const path = 'examples/ci/deploy.sh';
    expect(steps.map(({ run }) => run)).toEqual([`"$GITHUB_ACTION_PATH/${path}"`]);
    expect((await stat(join(ACTION_FOLDER, path))).mode & 0o111).toBe(0o111);
    const script = await readFile(join(ACTION_FOLDER, path), 'utf8');
    const known = new Set(script.match(/\bDEPLOY_[A-Z_]+\b/g));
    expect(Object.keys(steps[0]?.env ?? {}).sort()).toEqual([...known].sort());
  });

  it('has outputs that the script writes', async () => {
    const script = await readFile(join(ACTION_FOLDER, 'examples/ci/deploy.sh'), 'utf8');
    for (const [name, { value }] of Object.entries(action.outputs)) {
      expect(value).toBe(`\${{ steps.${steps[0]?.id ?? ''}.outputs.${name} }}`);
      expect(script).toContain(`${name}=%s`);
    }
  });

  it('is used by the workflow of examples/ci with what it asks for', async () => {
    const text = await readFile(join(ACTION_FOLDER, 'examples/ci/workflow.yml'), 'utf8');
    const workflow = parse(text) as { jobs: Record<string, { steps: { with?: Record<string, unknown> }[] }> };
    const given = Object.values(workflow.jobs)
      .flatMap((job) => job.steps)
      .flatMap((step) => (step.with === undefined ? [] : [Object.keys(step.with)]));
    const required = Object.entries(action.inputs).flatMap(([name, input]) => (input.required === true ? [name] : []));
    expect(given).toHaveLength(1);
    expect(Object.keys(action.inputs)).toEqual(expect.arrayContaining(given[0] ?? []));
    expect(given[0]).toEqual(expect.arrayContaining(required));
  });
});
