import { formatDuration } from '../../core/duration.ts';
import { routePlace } from '../../core/route-place.ts';
import { mapping } from '../model.ts';
import { firstHealthAnswerMs, unhealthyAfterMs } from '../standard-keys.ts';
import type { Finding } from '../findings.ts';
import type { Rule, RuleInput } from './rule.ts';

/** E07: blue-green has both colors running; the old one cannot stop first. */
export const blueGreenOrder: Rule = ({ spec, finding }) => {
  if (spec.placement !== 'colored' || spec.strategy !== 'blue-green' || spec.update.order !== 'stop-first') return [];
  const message = `${spec.name} is blue-green, but its order is stop-first`;
  return [finding('E07', ['deploy', 'update_config', 'order'], message, 'remove order, or use strategy: recreate')];
};

/** E02: steps belong to a canary, and a canary has steps. */
export const canarySteps: Rule = ({ spec, own, model, finding }) => {
  const path = ['x-deploy-bg', 'steps'];
  if (spec.placement === 'shared' || spec.placement === 'one-shot') return [];
  // Steps that are there, but wrong, have their own finding.
  if (spec.strategy === 'canary' && !('steps' in mapping(model['x-deploy-bg'])))
    return [finding('E02', path, `${spec.name} is a canary without steps`, 'add steps, such as [10, {pause: 5m}, 50]')];
  if (spec.strategy !== 'canary' && own.steps !== undefined)
    return [
      finding('E02', path, `${spec.name} has steps, but its strategy is ${spec.strategy}`, 'use strategy: canary'),
    ];
  return [];
};

/** E02: the color group is one unit, so its canaries go by one list of steps. */
export function oneStepList({ services, settings }: RuleInput): readonly Finding[] {
  const lists = Object.values(services)
    .filter(({ placement, strategy }) => placement === 'colored' && strategy === 'canary')
    .map(({ name }) => ({ name, steps: JSON.stringify(settings.services[name]?.steps ?? []) }));
  const [first, ...others] = lists;
  return others
    .filter(({ steps }) => steps !== first?.steps)
    .map(({ name }) => ({
      code: 'E02',
      path: ['services', name, 'x-deploy-bg', 'steps'],
      message: `${name} and ${first?.name ?? ''} switch together, but have different steps`,
      hint: 'give both the same steps',
    }));
}

/** E14: who of two routes gets the requests of one place no proxy could tell. */
export function onePlaceEach({ services, proxy }: RuleInput): readonly Finding[] {
  if (proxy.driver === 'none') return [];
  const places = Object.values(services).flatMap(({ name, route }) =>
    route === null ? [] : [{ name, place: routePlace(route) }],
  );
  return places.flatMap(({ name, place }, index) => {
    const other = places.slice(0, index).find((each) => each.place === place);
    if (other === undefined) return [];
    const message = `${other.name} and ${name} have a route to the same place: ${place}`;
    const hint = 'give one of them a host or a path of its own';
    return [{ code: 'E14', path: ['services', name, 'x-deploy-bg', 'route'], message, hint }];
  });
}

const NOBODY_MATCHES = 'with driver none there is no proxy that tells requests apart';

/** E02 and E08: a preview is a look at what waits beside the live version, through a proxy that tells requests apart. */
export const preview: Rule = ({ spec, own, proxy, finding }) => {
  if (own.route?.preview === undefined) return [];
  const path = ['x-deploy-bg', 'route', 'preview'];
  const waits = spec.strategy === 'blue-green' || spec.strategy === 'canary';
  const message = `${spec.name} has a preview, but its strategy is ${spec.strategy}`;
  return [
    waits ? null : finding('E02', path, message, 'use strategy: blue-green or canary, or no preview'),
    proxy.driver === 'none' ? finding('E08', path, NOBODY_MATCHES, 'use Caddy or nginx, or no preview') : null,
  ];
};

/** E08: what only a proxy can do needs a route, and a proxy that can. */
export const needsRoute: Rule = ({ spec, own, proxy, finding }) => {
  const { steps = [] } = own;
  const path = ['x-deploy-bg'];
  const routed = ['replicas', 'match', 'mirror'];
  const found = steps.map((step, index) => {
    const place = [...path, 'steps', index];
    if (routed.includes(step.kind) && spec.route === null)
      return finding('E08', place, `${spec.name}: the step ${step.kind} needs a route`, 'add route: {port: …}');
    if (step.kind === 'mirror' && proxy.driver !== 'nginx')
      return finding('E08', place, `${proxy.driver} cannot mirror requests`, 'use nginx, or no mirror');
    const untold = step.kind === 'match' && proxy.driver === 'none';
    return untold ? finding('E08', place, NOBODY_MATCHES, 'use Caddy or nginx, or no match') : null;
  });
  if (spec.route !== null) return found;
  const keys = (['shrink_stable', 'sticky'] as const).filter((key) => Boolean(own[key] ?? false));
  return [
    ...found,
    ...keys.map((key) => finding('E08', [...path, key], `${spec.name}: ${key} needs a route`, 'add route: {port: …}')),
  ];
};

/** E10: the preview is a part of the candidate. */
export const previewReplicas: Rule = ({ spec, own, finding }) => {
  const given = own.preview_replicas;
  if (given === undefined || (given >= 1 && given <= spec.replicas)) return [];
  const message = `${spec.name}: preview_replicas is ${given}, but there are ${spec.replicas} replicas`;
  return [finding('E10', ['x-deploy-bg', 'preview_replicas'], message, `use 1 to ${spec.replicas}`)];
};

/** E11: whoever must be watched for `monitor` needs more time than that to get ready. */
export const deadline: Rule = ({ spec, finding }) => {
  if (spec.placement === 'shared' || spec.progressDeadlineMs > spec.update.monitorMs) return [];
  const times = `${formatDuration(spec.progressDeadlineMs)}, monitor ${formatDuration(spec.update.monitorMs)}`;
  const message = `${spec.name}: progress_deadline is ${times}`;
  return [finding('E11', ['x-deploy-bg', 'progress_deadline'], message, 'make progress_deadline longer than monitor')];
};

const ROLLOUT_KEYS = [
  'route',
  'steps',
  'preview_replicas',
  'promote',
  'retire_after',
  'liveness',
  'sticky',
  'shrink_stable',
  'watch',
] as const;

/** E12: a one-shot runs once a release; there is nothing to roll out. */
export const oneShotKeys: Rule = ({ spec, own, model, finding }) => {
  if (spec.placement !== 'one-shot') return [];
  const hint = 'remove it, or the condition service_completed_successfully of those that wait for it';
  const keys = [...ROLLOUT_KEYS, 'strategy' as const].filter((key) => own[key] !== undefined);
  const found = keys.map((key) =>
    finding('E12', ['x-deploy-bg', key], `${spec.name} runs once per release and cannot have ${key}`, hint),
  );
  const updated = 'update_config' in mapping(model['deploy']);
  const message = `${spec.name} runs once per release and cannot have update_config`;
  return updated ? [...found, finding('E12', ['deploy', 'update_config'], message, hint)] : found;
};

const SLOW_HEALTH_MS = 5_000;

/** W11: nobody asks a candidate whether it is healthy before its health check has run for the first time. */
export const slowHealth: Rule = ({ spec, model, finding }) => {
  if (!spec.hasHealthcheck || spec.placement === 'shared' || spec.placement === 'one-shot') return [];
  const ms = firstHealthAnswerMs(model);
  if (ms <= SLOW_HEALTH_MS) return [];
  const message = `${spec.name}: its health check first runs after ${formatDuration(ms)}: each deploy waits for that`;
  return [finding('W11', ['healthcheck'], message, 'give it start_period: 60s and start_interval: 1s')];
};

/** W02: who dies slowly is not seen to die while we watch. */
export const monitorTooShort: Rule = ({ spec, model, finding }) => {
  if (!spec.hasHealthcheck || spec.placement === 'shared' || spec.placement === 'one-shot') return [];
  const needed = unhealthyAfterMs(model);
  if (spec.update.monitorMs === 0 || spec.update.monitorMs >= needed) return [];
  const monitor = formatDuration(spec.update.monitorMs);
  const message = `${spec.name}: monitor (${monitor}) ends before the health check can fail (${formatDuration(needed)})`;
  return [
    finding(
      'W02',
      ['deploy', 'update_config', 'monitor'],
      message,
      'lengthen deploy.update_config.monitor, or shorten the health check’s interval',
    ),
  ];
};
