import { formatBytes } from '../core/bytes.ts';
import { DeployError, messageOf } from '../core/errors.ts';
import { CLEANUP, HOST_PROXY_REMEDY } from '../core/disagreements.ts';
import { type Area, diskFinding, type Finding, stopFinding } from '../core/doctor.ts';
import type { ObservedContainer, RouterReading, Unreadable } from '../core/observed.ts';
import type { Diagnostic, Project, ProxySpec } from '../core/project.ts';
import type { Ports } from './ports.ts';
import { resourcesOf } from './room.ts';
import { locationOf, readToday } from './session.ts';
import { status } from './status.ts';
import type { StatusView } from './status-view.ts';

/** A project, and where its state is. */
export interface Patient {
  readonly ports: Ports;
  readonly stateDirectory: string;
}

/** Looks at everything that a deploy depends on, and changes nothing. What cannot be looked at is a finding, too. */
export async function doctor(patient: Patient): Promise<readonly Finding[]> {
  const { ports } = patient;
  const engine = await looked('engine', () => engineFindings(ports));
  const compose = await attempt(() => readToday(ports));
  if (compose.value === null) return [...engine, broken('project', compose.error)];
  if (engine.some(({ level }) => level === 'error')) return [...engine, ...projectFindings(compose.value)];
  const project = compose.value;
  const rest = await Promise.all([
    looked('proxy', () => proxyFindings(ports, project)),
    looked('services', () => serviceFindings(patient, project)),
    looked('services', () => driftFindings(ports, project)),
    looked('disk', () => diskFindings(patient, project)),
    looked('state', async () => stateFindings(await status(ports, { version: 'doctor' }))),
  ]);
  return [...engine, ...projectFindings(project), ...rest.flat()];
}

/** A look that fails says so in its place, and keeps nobody from the others. */
async function looked(area: Area, look: () => Promise<readonly Finding[]>): Promise<readonly Finding[]> {
  const { value, error } = await attempt(look);
  return value ?? [broken(area, error)];
}

async function attempt<T>(work: () => Promise<T>): Promise<{ readonly value: T | null; readonly error: unknown }> {
  try {
    return { value: await work(), error: null };
  } catch (error) {
    return { value: null, error };
  }
}

function broken(area: Area, error: unknown): Finding {
  const cure = error instanceof DeployError ? error.next : null;
  const details = error instanceof DeployError ? error.details : [];
  return { area, level: 'error', what: [messageOf(error), ...details].join('; '), cure };
}

function well(area: Area, what: string): Finding {
  return { area, level: 'ok', what, cure: null };
}

async function engineFindings({ engine }: Ports): Promise<readonly Finding[]> {
  await engine.ping();
  return [well('engine', 'Docker answers')];
}

function projectFindings({ name, services, warnings }: Project): readonly Finding[] {
  const replaced = Object.values(services).filter(({ placement }) => placement !== 'shared');
  const how = replaced.map((service) => `${service.name} (${service.strategy})`).join(', ');
  const cure = 'docker-deploy-bg init';
  return [
    how === ''
      ? { area: 'project', level: 'warning', what: `${name}: a deploy replaces nothing, for no service says so`, cure }
      : well('project', `${name}: a deploy replaces ${how}`),
    ...warnings.map((each) => warningOf('project', each)),
  ];
}

async function proxyFindings(ports: Ports, project: Project): Promise<readonly Finding[]> {
  const { proxy, name } = project;
  if (proxy.driver === 'none') return [skipped('proxy', 'none is switched: no service has a route, or driver is none')];
  const router = ports.router({ spec: proxy, project: name });
  const reading = await router.read();
  if ((await ports.store.releases()).length === 0) return [beforeFirst(proxy, reading)];
  if (reading.kind === 'unreadable') return [mute(proxy, reading)];
  await router.check(reading.routes);
  const warnings = await router.warnings();
  return [
    well('proxy', `${proxy.service ?? proxy.driver} works by our files, and answers for itself`),
    ...warnings.map((each) => warningOf('proxy', each)),
  ];
}

/** Of the proxy's files nothing is there yet, and what its configuration says of them nobody can check. */
function beforeFirst({ service }: ProxySpec, reading: RouterReading): Finding {
  if (reading.kind === 'unreadable' && reading.code === 'proxy-not-wired')
    return {
      area: 'proxy',
      level: 'warning',
      what: reading.reason,
      cure: `a deploy writes its files; then ${reading.cure ?? ''}`,
    };
  const what = 'looked at from the first deploy on, which writes what it includes';
  // The server's own one includes by patterns.
  return skipped('proxy', service === null ? what : `${what}: before that it would not start again`);
}

function mute({ service }: ProxySpec, { reason, code, cure, isUnsettled }: Unreadable): Finding {
  const known = code === 'proxy-not-wired' ? cure : undefined;
  const guess =
    service === null
      ? HOST_PROXY_REMEDY
      : `docker compose up -d --no-deps ${service}; if it runs, see docker compose logs ${service}`;
  return { area: 'proxy', level: 'error', what: reason, cure: isUnsettled === true ? CLEANUP : (known ?? guess) };
}

function skipped(area: Area, what: string): Finding {
  return { area, level: 'skipped', what, cure: null };
}

/** One replica of each service tells how it stops. */
async function serviceFindings(patient: Patient, project: Project): Promise<readonly Finding[]> {
  const { replaced } = locationOf(project);
  const containers = await patient.ports.engine.containers(project.name);
  const running = replaced.flatMap(
    (name) => containers.find((c) => c.service === name && c.state === 'running' && !c.oneOff) ?? [],
  );
  if (running.length === 0) return [skipped('services', 'none runs that a deploy replaces')];
  const found = await Promise.all(running.map((container) => stops(patient, project, container)));
  const faults = found.flat();
  return faults.length > 0
    ? faults
    : [well('services', `${running.map((c) => c.service).join(', ')}: stop when told to`)];
}

/** Shared services that run otherwise than the files say: no deploy changes them. */
async function driftFindings({ compose, engine }: Ports, project: Project): Promise<readonly Finding[]> {
  const drifted = await compose.sharedDrift(project, await engine.containers(project.name));
  return drifted.map((each) => warningOf('services', each));
}

function warningOf(area: Area, { code, message, hint }: Pick<Diagnostic, 'code' | 'message' | 'hint'>): Finding {
  return { area, level: 'warning', what: `${code} ${message}`, cure: hint };
}

async function stops(
  { ports: { engine, host } }: Patient,
  { services }: Project,
  { id, pid, service }: ObservedContainer,
): Promise<readonly Finding[]> {
  const [signal, { isHere }] = await Promise.all([engine.stopSignal(id), resourcesOf({ engine, host })]);
  const heard = pid === null || !isHere ? null : await host.hears(pid, signal);
  if (heard === null)
    return [skipped('services', `${service}: whether it hears ${signal} is not to be seen from here`)];
  return [stopFinding({ service, signal, graceMs: services[service]?.stopGraceMs ?? 0 }, heard) ?? []].flat();
}

/** Where the engine keeps images, and where we keep state. */
async function diskFindings({ ports, stateDirectory }: Patient, { directory }: Project): Promise<readonly Finding[]> {
  const { dataRoot, freeBytes } = await resourcesOf(ports);
  const own = (await ports.host.freeBytes(stateDirectory)) ?? (await ports.host.freeBytes(directory));
  const places = [
    { path: dataRoot, free: freeBytes },
    { path: stateDirectory, free: own },
  ].flatMap(({ path, free }) => (path === null || free === null ? [] : [{ path, free }]));
  if (places.length === 0) return [skipped('disk', 'how much room there is cannot be seen from here')];
  const short = places.flatMap(({ path, free }) => diskFinding(path, free) ?? []);
  const left = places.map(({ path, free }) => `${formatBytes(free)} left at ${path}`).join(', ');
  return short.length > 0 ? short : [well('disk', left)];
}

/** What `status` finds as well. */
function stateFindings({ live, leftovers, disagreements }: StatusView): readonly Finding[] {
  const faults = [
    ...disagreements.map(({ what, remedy }) => ({ what, remedy })),
    ...leftovers.map(({ kind, name, why, remedy }) => ({ what: `${kind} ${name}: ${why}`, remedy })),
  ];
  if (faults.length > 0)
    return faults.map(({ what, remedy }) => ({ area: 'state', level: 'warning', what, cure: remedy }));
  return [well('state', live === null ? 'nothing has been deployed yet' : `${live.version ?? 'what serves'} serves`)];
}
