import type { Models, ProxySpec, ServiceSpec } from '../../core/project.ts';
import type { Finding } from '../findings.ts';
import { serviceOf, type ServiceModel } from '../model.ts';
import type { ServiceSettings } from '../schema/settings.ts';
import type { Settings } from '../settings.ts';
import type { Sources } from '../sources.ts';

/** Everything that a rule may look at. */
export interface RuleInput {
  readonly models: Models;
  readonly services: Readonly<Record<string, ServiceSpec>>;
  readonly settings: Settings;
  readonly proxy: ProxySpec;
  readonly sources: Sources;
}

/** One replaced service under examination. */
export interface Subject extends RuleInput {
  readonly spec: ServiceSpec;
  readonly model: ServiceModel;
  readonly own: ServiceSettings;
  /** A finding at a key of the service. */
  readonly finding: (code: string, path: readonly (string | number)[], message: string, hint: string) => Finding;
}

/** A rule about one replaced service. Pure. */
export type Rule = (subject: Subject) => readonly (Finding | null)[];

/** The service as a rule's subject. */
export function subjectOf(input: RuleInput, spec: ServiceSpec): Subject {
  return {
    ...input,
    spec,
    model: serviceOf(input.models.base, spec.name),
    own: input.settings.services[spec.name] ?? {},
    finding: (code, path, message, hint) => ({ code, path: ['services', spec.name, ...path], message, hint }),
  };
}
