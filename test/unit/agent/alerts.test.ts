import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import * as z from 'zod';
import { Metrics } from '../../../src/agent/metrics.ts';
import { TRANSITIONS } from '../../../src/core/state.ts';

const FILE = join(import.meta.dirname, '../../../templates/prometheus/alerts.yml');

const words = z.string().min(10);
const ruleSchema = z.strictObject({
  alert: z.string().regex(/^DeployBg[A-Z]\w+$/),
  expr: z.string(),
  for: z
    .string()
    .regex(/^\d+[smhd]$/)
    .optional(),
  labels: z.strictObject({ severity: z.enum(['warning', 'critical']) }),
  annotations: z.strictObject({ summary: words, description: words }),
});
const fileSchema = z.strictObject({
  groups: z.tuple([z.strictObject({ name: z.string(), rules: z.array(ruleSchema).min(7) })]),
});

const { rules } = fileSchema.parse(parse(readFileSync(FILE, 'utf8'))).groups[0];
const { registry } = new Metrics();
const each = rules.map(({ alert, expr }) => ({ alert, expr }));

describe('the example alerts', () => {
  it('have names of their own', () => {
    expect(new Set(rules.map(({ alert }) => alert)).size).toBe(rules.length);
  });

  it.each(each)('$alert names only metrics that there are', ({ expr }) => {
    // Prometheus itself has this one.
    const known = new Set(['up', ...registry.getMetricsAsArray().map(({ name }) => name)]);
    const named = expr.match(/\b(deploy_bg_\w+|up)\b(?!")/g) ?? [];
    expect(named).not.toEqual([]);
    for (const name of named) expect(known).toContain(name);
  });

  it.each(each)('$alert names only states that there are', ({ expr }) => {
    const states = [...expr.matchAll(/state=~?"([^"]+)"/g)].flatMap(([, names = '']) => names.split('|'));
    for (const state of states) expect(Object.keys(TRANSITIONS)).toContain(state);
  });

  it.each(each.filter(({ expr }) => expr.includes('increase(') && expr.includes('{')))(
    '$alert sees the first time: its series are there from the start',
    async ({ expr }) => {
      const [, name = '', label = ''] = /increase\((\w+)\{([^}]+)\}/.exec(expr) ?? [];
      const series = (await registry.metrics()).split('\n').filter((line) => line.startsWith(`${name}{`));
      expect(series.filter((line) => line.includes(label) && line.endsWith(' 0'))).not.toEqual([]);
    },
  );
});
