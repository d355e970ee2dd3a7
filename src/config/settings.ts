import type * as z from 'zod';
import type { ComposeModel } from '../core/project.ts';
import { pathText, type Finding } from './findings.ts';
import { isMapping, servicesOf, unescapedAll, without, type Mapping } from './model.ts';
import { projectSettings, serviceSettings, type ProjectSettings, type ServiceSettings } from './schema/settings.ts';
import { codeOf, step } from './schema/values.ts';
import type { KeyPath } from './sources.ts';

/** Everything that the compose files say to us, parsed. */
export interface Settings {
  readonly project: ProjectSettings;
  /** By service; only services that have the key, even an empty one. */
  readonly services: Readonly<Record<string, ServiceSettings>>;
}

/** Parses every `x-deploy-bg`. What is wrong is reported and left out, so that one command reports everything. */
export function readSettings(model: ComposeModel): {
  readonly settings: Settings;
  readonly findings: readonly Finding[];
} {
  const top = parse(projectSettings, unescapedAll(model['x-deploy-bg'] ?? {}), ['x-deploy-bg']);
  const findings = [...top.findings];
  const services: Record<string, ServiceSettings> = {};
  for (const [name, service] of Object.entries(servicesOf(model))) {
    if (!('x-deploy-bg' in service)) continue;
    const parsed = parse(serviceSettings, unescapedAll(service['x-deploy-bg'] ?? {}), [
      'services',
      name,
      'x-deploy-bg',
    ]);
    services[name] = parsed.value;
    findings.push(...parsed.findings);
  }
  return { settings: { project: top.value, services }, findings };
}

function parse<T>(schema: z.ZodType<T>, value: unknown, path: KeyPath): { value: T; findings: readonly Finding[] } {
  const result = schema.safeParse(value);
  if (result.success) return { value: result.data, findings: [] };
  const findings = result.error.issues.flatMap((issue) => findingsOf(issue, path));
  const wrong = findings.map((finding) => String(finding.path[path.length]));
  return { value: schema.parse(isMapping(value) ? rest(schema, value, wrong) : {}), findings };
}

/** What can be used of a mapping some of whose keys are wrong: nothing, if even the rest is refused. */
function rest(schema: z.ZodType, value: Mapping, wrong: readonly string[]): Mapping {
  const left = without(value, ...wrong);
  return schema.safeParse(left).success ? left : {};
}

function findingsOf(issue: z.core.$ZodIssue, base: KeyPath): readonly Finding[] {
  const { code, hint, keys } = codeOf(issue);
  const path = [...base, ...issue.path.map(step)];
  if (keys.length === 0) return [{ code, path, hint, message: `${pathText(path)} ${issue.message}` }];
  return keys.map((key) => ({
    code: 'E01',
    path: [...path, key],
    message: `unknown key ${pathText([...path, key])}`,
    hint: 'remove it or correct its name; "Configuration" in the README lists all keys',
  }));
}
