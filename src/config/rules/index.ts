import type { Finding } from '../findings.ts';
import {
  anonymousVolumes,
  namespaces,
  outsideCallers,
  proxyLabels,
  sharedVolumes,
  unchecked,
  volumesFrom,
} from './borders.ts';
import { copies } from './copies.ts';
import { hookServices } from './hooks.ts';
import { followedByNobody, namesOfTheDead, proxyFolder, routedNames } from './proxy-files.ts';
import {
  checkNames,
  imageName,
  missingDependencies,
  overlaySettings,
  serviceName,
  updatedImage,
} from './references.ts';
import {
  blueGreenOrder,
  canarySteps,
  deadline,
  monitorTooShort,
  needsRoute,
  oneShotKeys,
  onePlaceEach,
  oneStepList,
  preview,
  previewReplicas,
  slowHealth,
} from './rollout.ts';
import { subjectOf, type Rule, type RuleInput } from './rule.ts';
import { unavailable } from './unavailable.ts';

const SERVICE_RULES: readonly Rule[] = [
  copies,
  followedByNobody,
  blueGreenOrder,
  canarySteps,
  needsRoute,
  preview,
  previewReplicas,
  deadline,
  oneShotKeys,
  monitorTooShort,
  slowHealth,
  sharedVolumes,
  anonymousVolumes,
  unchecked,
  proxyLabels,
  routedNames,
  missingDependencies,
  imageName,
  serviceName,
];

const PROJECT_RULES: readonly ((input: RuleInput) => readonly Finding[])[] = [
  namespaces,
  volumesFrom,
  outsideCallers,
  checkNames,
  updatedImage,
  hookServices,
  proxyFolder,
  namesOfTheDead,
  overlaySettings,
  oneStepList,
  onePlaceEach,
  unavailable,
];

/** Everything that the rules of DESIGN section 4 find in a project, errors and warnings. */
export function examine(input: RuleInput): readonly Finding[] {
  const subjects = Object.values(input.services).map((spec) => subjectOf(input, spec));
  const own = subjects.flatMap((subject) => SERVICE_RULES.flatMap((rule) => rule(subject)));
  return [...own.filter((finding) => finding !== null), ...PROJECT_RULES.flatMap((rule) => rule(input))];
}
