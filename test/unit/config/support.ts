import { parse } from 'yaml';
import { isMapping, list } from '../../../src/config/model.ts';
import { buildProject } from '../../../src/config/project.ts';
import { differingServices } from '../../../src/config/replaced.ts';
import { servicesNamedIn, Sources } from '../../../src/config/sources.ts';
import type { Color } from '../../../src/core/color.ts';
import type { ComposeModel, Diagnostic, Project } from '../../../src/core/project.ts';

export interface Given {
  /** In the form that `docker compose config` prints. `VERSION` stands for the version. */
  readonly yaml: string;
  /** Overlays, merged over whole services: enough for rules, Compose does the real thing. */
  readonly overlays?: Partial<Record<Color, string>>;
}

export function model(text: string): ComposeModel {
  const value: unknown = parse(text, { merge: true });
  if (!isMapping(value)) throw new Error('no mapping');
  return value;
}

/** Merges mappings, appends lists, and lets the other scalar win. */
export function merge(base: unknown, over: unknown): unknown {
  if (Array.isArray(base) && Array.isArray(over)) return [...list(base), ...list(over)];
  if (!isMapping(base) || !isMapping(over)) return over === undefined ? base : over;
  const keys = [...new Set([...Object.keys(base), ...Object.keys(over)])];
  return Object.fromEntries(keys.map((key) => [key, key in over ? merge(base[key], over[key]) : base[key]]));
}

function overlaid(base: ComposeModel, text: string | undefined): ComposeModel {
  const merged = text === undefined ? base : merge(base, model(text));
  if (!isMapping(merged)) throw new Error('no mapping');
  return merged;
}

export function build(given: Given): { project: Project; diagnostics: readonly Diagnostic[] } {
  const at = (version: string) => model(given.yaml.replaceAll('VERSION', version));
  const base = at('v1');
  const { blue, green } = given.overlays ?? {};
  const files = Object.entries(given.overlays ?? {}).map(([color, text]) => ({ path: `compose.${color}.yml`, text }));
  return buildProject({
    models: { base, overlays: { blue: overlaid(base, blue), green: overlaid(base, green) } },
    version: 'v1',
    directory: '/shop',
    versioned: differingServices(base, at('v2')),
    overlays: files.map((file) => ({ file: file.path, names: servicesNamedIn(file) })),
    environmentValues: {},
    secretTexts: [],
    sources: new Sources([{ path: 'compose.yml', text: given.yaml }, ...files]),
  });
}

/** `E01 4` for every finding: code and line, errors before warnings. */
export function codes(given: Given): readonly string[] {
  return build(given)
    .diagnostics.map(({ code, line }) => (line === null ? code : `${code} ${String(line)}`))
    .toSorted();
}
