import { COLORS } from '../../core/color.ts';
import { withoutItem, withoutKey } from '../compose-text.ts';
import { mapping, serviceOf, servicesOf, text } from '../model.ts';
import { addProxy, type TakenOver } from './added-proxy.ts';
import { applicationOf, kindOfService, list, putVersions, type Own } from './application.ts';
import { Draft } from './draft.ts';
import { frontOf, type Front } from './front.ts';
import { dataOf, labelled, portText, publishedBy, speaksHttp, type Published } from './http.ts';
import { Refused, type InitInput, type Proposal, type Refusal } from './proposal.ts';
import { fixedAddress, isSource, newRoutes, ownsData, partsOf, type Part } from './routes.ts';
import { wireProxy } from './wire-proxy.ts';

/**
 * What would make a project one that deploys can work on: what a deploy needs and is not there, and nothing beside. Pure;
 * for files that have all of it there are no changes.
 */
export function propose(input: InitInput): Proposal | Refusal {
  const draft = new Draft(input);
  try {
    fill(input, draft);
    return draft.proposal();
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    return { what: error.message, next: error.next, notes: [...draft.notes, ...draft.byHand] };
  }
}

/** True for one that proposes nothing. */
export function isRefusal(answer: Proposal | Refusal): answer is Refusal {
  return 'what' in answer;
}

function fill(input: InitInput, draft: Draft): void {
  const front = frontOf(input);
  if (front !== null) draft.notes.push(`${front.service} is the proxy (${front.kind})`);
  const application = applicationOf(input, draft, reachedFromOutside(input, front));
  refuseOtherFronts(input, front, application);
  const parts = partsOf(input, front, application);
  if (!parts.some(({ kind }) => kind === 'routed')) refuseUnseen(front);
  putVersions(input, draft, application);
  noteShared(input, draft, front, application);
  writeRoutes(input, draft, front, parts);
  for (const part of parts) writePart(input, draft, part);
  for (const { name } of application) noteService(input, draft, name);
  const routed = parts.filter((part) => part.kind === 'routed');
  if (front !== null && routed.length > 0)
    wireProxy(
      input,
      draft,
      front,
      routed.map(({ name }) => name),
    );
  const taken = routed.flatMap(({ name, takes }): TakenOver[] =>
    takes === null ? [] : [{ service: name, port: takes }],
  );
  if (taken.length > 0) takeOver(input, draft, taken);
}

function reachedFromOutside({ model }: InitInput, front: Front | null): ReadonlySet<string> {
  const sent = (front?.wiring.sends ?? []).map(({ service }) => service);
  const open = Object.entries(servicesOf(model)).filter(
    ([, service]) => publishedBy(service).length > 0 || labelled(service) !== null,
  );
  return new Set([...sent, ...open.map(([name]) => name)]);
}

/** What stands before the application and cannot be switched. @throws Refused */
function refuseOtherFronts(input: InitInput, front: Front | null, application: readonly Own[]): void {
  const mine = new Set(application.map(({ name }) => name));
  const other = (front?.wiring.others ?? []).find(({ service }) => mine.has(service));
  if (other !== undefined && !front?.wiring.sends.some(({ service }) => mine.has(service)))
    throw new Refused(
      `${front?.service ?? ''} asks ${other.service} by ${other.by}, and deploys switch HTTP only`,
      `put a server that speaks HTTP into the image of ${other.service}, and have the proxy send to it by proxy_pass`,
    );
  const names = Object.keys(servicesOf(input.model));
  const foreign = names.find((name) => kindOfService(input, name) === 'other-proxy');
  const isOpen = application.some(({ name }) => publishedBy(serviceOf(input.model, name)).length > 0);
  if (front === null && foreign !== undefined && !isOpen)
    throw new Refused(
      `${foreign} (${text(serviceOf(input.model, foreign)['image']) ?? ''}) is what requests come through, and deploys can switch Caddy and nginx only`,
      `put a Caddy or nginx between ${foreign} and ${list([...mine])}, then run init again; or see driver: none in the README`,
    );
}

/** Whoever is asked by name and replaced in place is not found any more. @throws Refused */
function refuseUnseen(front: Front | null): void {
  if (front === null) return;
  const { service, files, wiring } = front;
  if (files.length === 0)
    throw new Refused(
      `${service} has its configuration in its image, or where it cannot be seen from here`,
      `mount its configuration from a folder beside the compose file, then run init again`,
    );
  if (wiring.unclear.length > 0)
    throw new Refused(
      `where ${service} sends its requests cannot be seen: ${wiring.unclear.join('; ')}`,
      'name the service and its port there, as in proxy_pass http://web:3000; then run init again',
    );
}

function noteShared(input: InitInput, draft: Draft, front: Front | null, application: readonly Own[]): void {
  const mine = new Set([...application.map(({ name }) => name), front?.service]);
  const shared = Object.keys(servicesOf(input.model)).filter((name) => !mine.has(name));
  draft.notes.push(`a deploy replaces ${list(application.map(({ name }) => name))}`);
  if (shared.length > 0) draft.notes.push(`${list(shared)}: started once, and never touched by a deploy`);
}

function writeRoutes(input: InitInput, draft: Draft, front: Front | null, parts: readonly Part[]): void {
  for (const [name, route] of Object.entries(newRoutes(input, front, parts))) {
    const probed = 'probe' in route ? '; it is ready when it answers the probe: name a path of yours that says so' : '';
    const reason = `requests reach ${name} through the proxy, at its port ${String(route['port'])}${probed}`;
    const left = draft.byHand.length;
    draft.set(['services', name, 'x-deploy-bg'], 'route', route, reason);
    if (draft.byHand.length > left) throw new Refused(...sharedMapping(name));
    const given = mapping(serviceOf(input.model, name)['x-deploy-bg'])['strategy'];
    if (!ownsData(input, name) || given !== undefined) continue;
    const why = `${name} keeps its data in its own volume, which two versions would write at once: the old one stops first, with a short downtime`;
    draft.set(['services', name, 'x-deploy-bg'], 'strategy', 'recreate', why);
  }
}

/** Of one that cannot be edited on its own. */
function sharedMapping(name: string): readonly [what: string, next: string] {
  return [
    `what is written for ${name} would hold for others as well: it is an anchor that they take over, or stands in another file`,
    `move what they have in common into a mapping of its own (x-common: &common), and let ${name} take it over, too; then run init again`,
  ];
}

function writePart(input: InitInput, draft: Draft, part: Part): void {
  const { name } = part;
  const service = serviceOf(input.model, name);
  if (part.kind === 'one-shot') draft.notes.push(`${name} runs once in each deploy, before what waits for it`);
  if (part.kind === 'routed') freePorts(input, draft, name, part.port, part.takes);
  if (part.kind === 'beside' && mapping(service['x-deploy-bg'])['strategy'] === undefined) {
    const reason = `${name} is replaced with its own version of the others, since ${part.why}`;
    draft.set(['services', name, 'x-deploy-bg'], 'strategy', 'blue-green', reason);
  }
  if (part.kind === 'in-place' && part.once !== null) stopFirst(input, draft, name, part.once);
}

function stopFirst({ model }: InitInput, draft: Draft, name: string, why: string): void {
  const service = serviceOf(model, name);
  const given = mapping(mapping(service['deploy'])['update_config'])['order'];
  const strategy = mapping(service['x-deploy-bg'])['strategy'];
  if (given === 'stop-first' || strategy !== undefined) return;
  const path = ['services', name, 'deploy', 'update_config'];
  const reason = `${name} is replaced one after the other, with a short downtime: ${why}`;
  if (given === undefined) draft.set(path, 'order', 'stop-first', reason);
  else draft.setScalar([...path, 'order'], 'stop-first', reason);
}

/** Fixed ports of a service of which two run at a time. @throws Refused for what else only one can have */
function freePorts(input: InitInput, draft: Draft, name: string, port: number, takes: Published | null): void {
  const service = serviceOf(input.model, name);
  const address = fixedAddress(service);
  if (address !== null)
    throw new Refused(
      `${name} has the fixed address ${address}, which two versions cannot both have`,
      'remove it: others find the service by its name; then run init again',
    );
  if (mapping(service['x-deploy-bg'])['strategy'] === 'recreate' || ownsData(input, name)) return;
  const published = publishedBy(service);
  const through = published.filter((each) => each.target === port || each === takes);
  const others = published.filter((each) => !through.includes(each));
  if (through.length > 0) unpublish(draft, name, through, others.length === 0);
  if (others.length > 0) ownPorts(input, draft, name, others);
}

function unpublish(draft: Draft, name: string, through: readonly Published[], isAll: boolean): void {
  const path = ['services', name, 'ports'];
  const reason = `two versions of ${name} cannot both publish port ${through.map(({ published }) => published).join(', ')}; requests come through the proxy`;
  if (isAll) {
    draft.edit(draft.fileWith(path), reason, (text) => withoutKey(text, path), `remove ports from ${name}`);
    return;
  }
  for (const { published, target } of through) {
    const index = draft.list(path).findIndex((item) => new RegExp(`(^|[:}])${String(target)}(/tcp)?$`).test(item));
    const byHand = `remove port ${String(published)} from ${name}`;
    draft.edit(draft.fileWith(path), reason, (text) => (index < 0 ? null : withoutItem(text, path, index)), byHand);
  }
}

/** Ports beside the route: each color gets its own ones, and whoever uses plain Compose keeps those that are there. */
function ownPorts(input: InitInput, draft: Draft, name: string, others: readonly Published[]): void {
  const all = Object.values(servicesOf(input.model)).flatMap((service) => publishedBy(service));
  const used = new Set(all.map(({ published }) => published));
  for (const color of COLORS) {
    const ports = others.map((port) => portText({ ...port, published: freePort(port.published, used) }, port.target));
    const reason = `two versions of ${name} run side by side: in ${color} it publishes ${ports.join(', ')}, in place of ${others.map(({ published }) => published).join(', ')}`;
    if (input.overlays[color]?.text.includes(`${name}:`) === true) continue;
    const entry = `services:\n  ${name}:\n    ports: !override [${ports.map((each) => JSON.stringify(each)).join(', ')}]\n`;
    const file = draft.overlay(color);
    const before = draft.text(file);
    if (before === null)
      draft.write(
        file,
        `# What only ${color} has; docker deploy-bg merges it over the compose file.\n${entry}`,
        reason,
      );
    else draft.edit(file, reason, (text) => addService(text, entry), `add to ${file}: ${entry}`);
  }
}

function addService(text: string, entry: string): string | null {
  const [head = '', ...lines] = entry.split('\n');
  return /^services:\s*$/m.test(text) ? text.replace(/^services:[^\n]*\n/m, `${head}\n${lines.join('\n')}`) : null;
}

function freePort(from: number, used: Set<number>): number {
  let port = from + 1;
  while (used.has(port)) port += 1;
  used.add(port);
  return port;
}

/** What a person has to know of a service before its first deploy. */
function noteService(input: InitInput, draft: Draft, name: string): void {
  const service = serviceOf(input.model, name);
  const by = labelled(service);
  if (by !== null)
    draft.notes.push(
      `${name} gets its requests by ${by.by}: deploys can replace it, one container after the other, but not say when that proxy sends to which. A request in flight at the end of an old container lasts no longer than stop_grace_period, and there is no canary and no switch at once. For those, put a Caddy or nginx between: the proxy's labels on it, and a route on ${name}`,
    );
  const source = dataOf(input, name).find((each) => isSource(input, name, each));
  if (source !== undefined)
    draft.notes.push(
      `${name} has its own source code mounted from ${source}: every version runs what is there. Leave that mount out where you deploy, as in a compose.override.yml of your own machine`,
    );
  const [port] = publishedBy(service);
  if (port !== undefined && !speaksHttp(port))
    draft.notes.push(`port ${String(port.published)} of ${name} is none of HTTP, so that no proxy is put before it`);
}

function takeOver(input: InitInput, draft: Draft, taken: readonly TakenOver[]): void {
  addProxy(input, draft, taken);
  const names = taken.map(({ service }) => service);
  draft.next.push(
    `where ${list(names)} ${names.length === 1 ? 'runs' : 'run'} already, the port changes hands once: right before the first deploy, docker compose rm --stop --force ${names.join(' ')}`,
  );
}
