import { HOOK_MOMENTS } from '../../core/hooks.ts';
import type { Finding } from '../findings.ts';
import { hooksOf } from '../hooks.ts';
import type { ProjectSettings } from '../schema/settings.ts';
import type { RuleInput } from './rule.ts';

/** E12: a hook in a container needs the service that it names, and one in a new container needs a new image. */
export function hookServices(input: RuleInput): readonly Finding[] {
  const { project, services } = input.settings;
  const own = Object.entries(services).flatMap(([name, each]) =>
    ofHooks(input, each.hooks, ['services', name, 'x-deploy-bg']),
  );
  return [...ofHooks(input, project.hooks, ['x-deploy-bg']), ...own];
}

function ofHooks(input: RuleInput, given: ProjectSettings['hooks'], path: readonly string[]): readonly Finding[] {
  const hooks = hooksOf(given);
  return HOOK_MOMENTS.flatMap((moment) =>
    (hooks[moment] ?? []).flatMap((hook, index) => {
      const wrong = hook.kind === 'host' ? null : whatIsWrong(input, hook);
      return wrong === null ? [] : [{ code: 'E12', path: [...path, 'hooks', moment, index], ...wrong }];
    }),
  );
}

function whatIsWrong({ services }: RuleInput, { kind, service }: { readonly kind: string; readonly service: string }) {
  const spec = services[service];
  if (spec === undefined)
    return {
      message: `a hook names ${service}, which is no service of the project`,
      hint: 'correct the name, or enable the profile of that service',
    };
  if (kind === 'exec' || spec.placement !== 'shared') return null;
  return {
    message: `a hook runs in a new container of ${service}, which deploys do not replace`,
    hint: `use exec: {service: ${service}, command: …} for its running container`,
  };
}
