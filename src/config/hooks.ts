import type { Hooks, HookSpec } from '../core/hooks.ts';
import type { NotifyTarget } from '../core/notify.ts';
import { mapValues } from './model.ts';
import type { Hook } from './schema/extras.ts';
import type { ProjectSettings } from './schema/settings.ts';

/** Hooks as the rest of the program knows them. Those of the top level are the project's, and no service's default. */
export function hooksOf(hooks: ProjectSettings['hooks']): Hooks {
  return mapValues(hooks ?? {}, (list) => (list ?? []).map(hookSpec));
}

function hookSpec(hook: Hook): HookSpec {
  const timeoutMs = hook.timeout;
  if ('exec' in hook) return { kind: 'exec', ...hook.exec, timeoutMs };
  if (typeof hook.run === 'object' && 'service' in hook.run) return { kind: 'run', ...hook.run, timeoutMs };
  return { kind: 'host', command: hook.run, timeoutMs };
}

/** Receivers of notices as the rest of the program knows them. */
export function notifyTargets(notify: ProjectSettings['notify']): readonly NotifyTarget[] {
  return (notify ?? []).map(({ url, on, format, timeout, retries }) => ({
    url,
    on,
    format,
    timeoutMs: timeout,
    retries,
  }));
}
