import type { Finding } from '../findings.ts';
import type { ProjectSettings, ServiceSettings } from '../schema/settings.ts';
import type { CanaryStep } from '../schema/steps.ts';
import type { RuleInput } from './rule.ts';

type Both = ProjectSettings | ServiceSettings;

/** Keys that are valid, but that nothing executes yet. Whoever builds one deletes its line. */
const KEYS: readonly [key: string, given: (settings: Both) => boolean][] = [
  ['update', (settings) => 'update' in settings],
  ['proxy.host', (settings) => 'proxy' in settings && settings.proxy?.host === true],
];

/** Kinds of canary steps that are valid, but that nothing executes yet. */
const STEPS: readonly [kind: string, given: (step: CanaryStep) => boolean][] = [
  ['mirror', ({ kind }) => kind === 'mirror'],
];

/** E99: a clear no, so that nobody takes a key for done that is not. */
export function unavailable({ settings }: RuleInput): readonly Finding[] {
  const own = Object.entries(settings.services).flatMap(([name, each]) => {
    const path = ['services', name, 'x-deploy-bg'];
    return [...keys(each, path, `${name}: `), ...steps(each.steps ?? [], [...path, 'steps'], name)];
  });
  return [...keys(settings.project, ['x-deploy-bg'], ''), ...own];
}

function steps(list: readonly CanaryStep[], path: readonly string[], service: string): readonly Finding[] {
  return list.flatMap((step, index) =>
    STEPS.filter(([, given]) => given(step)).map(([what]) => ({
      code: 'E99',
      path: [...path, index],
      message: `${service}: the step ${what} is not available yet`,
      hint: 'remove it for now',
    })),
  );
}

function keys(settings: Both, path: readonly string[], whose: string): readonly Finding[] {
  return KEYS.filter(([, given]) => given(settings)).map(([key]) => ({
    code: 'E99',
    path: [...path, ...key.split('.')],
    message: `${whose}${key} is not available yet`,
    hint: 'remove it for now',
  }));
}
