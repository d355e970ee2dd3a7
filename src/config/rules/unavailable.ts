import type { Finding } from '../findings.ts';
import type { ProjectSettings, ServiceSettings } from '../schema/settings.ts';
import type { RuleInput } from './rule.ts';

type Both = ProjectSettings | ServiceSettings;

/** Keys that are valid, but that nothing executes yet. Whoever builds one deletes its line. */
const KEYS: readonly [key: string, given: (settings: Both) => boolean][] = [
  ['steps', (settings) => 'steps' in settings],
  ['sticky', ({ sticky }) => (sticky ?? null) !== null],
  ['shrink_stable', (settings) => settings.shrink_stable === true],
  ['update', (settings) => 'update' in settings],
  ['proxy.host', (settings) => 'proxy' in settings && settings.proxy?.host === true],
];

/** Strategies that are valid, but that nothing executes yet. */
const STRATEGIES = ['rolling', 'canary', 'recreate'];

/** E99: a clear no, so that nobody takes a key for done that is not. */
export function unavailable({ services, settings }: RuleInput): readonly Finding[] {
  const strategies = Object.values(services)
    .filter(({ placement, strategy }) => replaced(placement) && STRATEGIES.includes(strategy))
    .map(({ name, strategy }) => ({
      code: 'E99',
      path: ['services', name, 'x-deploy-bg', 'strategy'],
      message: `${name}: strategy ${strategy} is not available yet`,
      hint: `set strategy: blue-green in x-deploy-bg of ${name}, or at top level for all services`,
    }));
  const own = Object.entries(settings.services).flatMap(([name, each]) =>
    keys(each, ['services', name, 'x-deploy-bg'], `${name}: `),
  );
  return [...strategies, ...keys(settings.project, ['x-deploy-bg'], ''), ...own];
}

function replaced(placement: string): boolean {
  return placement === 'colored' || placement === 'in-place';
}

function keys(settings: Both, path: readonly string[], whose: string): readonly Finding[] {
  return KEYS.filter(([, given]) => given(settings)).map(([key]) => ({
    code: 'E99',
    path: [...path, ...key.split('.')],
    message: `${whose}${key} is not available yet`,
    hint: 'remove it for now',
  }));
}
