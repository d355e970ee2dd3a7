import type { ComposeModel } from '../../core/project.ts';
import type { Finding } from '../findings.ts';
import { servicesOf } from '../model.ts';
import type { ProjectSettings, ServiceSettings } from '../schema/settings.ts';
import type { RuleInput } from './rule.ts';

type Both = ProjectSettings | ServiceSettings;

/** Keys that are valid, but that nothing executes yet. Whoever builds one deletes its line. */
const KEYS: readonly [key: string, given: (settings: Both) => boolean][] = [
  ['proxy.host with caddy', (s) => 'proxy' in s && s.proxy?.host === true && s.proxy.driver === 'caddy'],
];

/** E99: a clear no, so that nobody takes a key for done that is not. */
export function unavailable({ settings, models }: RuleInput): readonly Finding[] {
  const own = Object.entries(settings.services).flatMap(([name, each]) =>
    keys(each, ['services', name, 'x-deploy-bg'], `${name}: `),
  );
  return [...keys(settings.project, ['x-deploy-bg'], ''), ...own, ...providers(models.base)];
}

/** What a provider makes is no container: nobody could tell whether it is there. */
function providers(model: ComposeModel): readonly Finding[] {
  const provided = Object.entries(servicesOf(model)).filter(([, service]) => 'provider' in service);
  return provided.map(([name]) => finding(['services', name, 'provider'], `${name}: provider`));
}

function keys(settings: Both, path: readonly string[], whose: string): readonly Finding[] {
  return KEYS.filter(([, given]) => given(settings)).map(([key]) =>
    finding([...path, ...(key.split(' ')[0] ?? '').split('.')], `${whose}${key}`),
  );
}

function finding(path: readonly string[], what: string): Finding {
  return { code: 'E99', path, message: `${what} is not available yet`, hint: 'remove it for now' };
}
