import { diagnosticText } from '../../config/findings.ts';
import type { Project } from '../../core/project.ts';

/** The warnings about a project, and what a deploy of it replaces. */
export function lintView({ name, services, warnings }: Project): readonly string[] {
  const replaced = Object.values(services).filter(({ placement }) => placement !== 'shared');
  const how = replaced.map((service) => `${service.name} (${service.strategy})`).join(', ');
  const verdict = `${String(warnings.length)} warning${warnings.length === 1 ? '' : 's'}`;
  return [...warnings.map(diagnosticText), `${name}: ${verdict}; a deploy replaces ${how === '' ? 'nothing' : how}`];
}
