import { chmod, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import type { ObservedContainer } from '../../src/core/observed.ts';
import { docker, ok, until } from '../support/project.ts';
import type { Cell, Trial } from './cell.ts';
import { type Point, pointsOf } from './points.ts';
import { STRANGER, type Subject, type Versions } from './subject.ts';
import { HANGING, type Kind } from './subjects.ts';

/** What somebody else does in the middle of a deploy. */
interface Fault {
  readonly strike: (scene: Scene) => Promise<unknown>;
  /** What a person does about it when the deploy has ended; most is mended by the next deploy alone. */
  readonly heal?: (scene: Scene) => Promise<unknown>;
  /** Who is asked cannot answer until it is healed: requests are lost whoever deploys. */
  readonly outage?: true;
  /**
   * For so long after it (ms) a request may go where nobody hears it: the proxy has idle connections to who was cut off,
   * and a request that was written to one is not asked again.
   */
  readonly deafMs?: number;
  /** It befalls what guards a rollout. */
  readonly guarded?: true;
  /** It befalls the whole engine, which has to be one of these tests' own; these are its flags. */
  readonly engine?: readonly string[];
}

interface Scene {
  readonly subject: Subject;
  readonly versions: Versions;
}

/** A flag of dockerd's by which containers outlive it. */
const LIVE = '--live-restore';

const FAULTS = {
  'proxy killed': { strike: killProxy, heal: startProxy, outage: true },
  'proxy restarted': { strike: restartProxy, outage: true },
  'proxy recreated': { strike: recreateProxy, outage: true },
  'its files edited by hand': { strike: editProxyFiles },
  'candidate killed': { strike: (scene) => eachOf(scene, 'wanted', (c) => docker.getContainer(c.id).kill()) },
  'candidate removed': {
    strike: (scene) => eachOf(scene, 'wanted', (c) => docker.getContainer(c.id).remove({ force: true })),
  },
  'candidate paused': { strike: (scene) => eachOf(scene, 'wanted', pause), heal: unpauseAll, outage: true },
  'candidate disconnected': { strike: (scene) => eachOf(scene, 'wanted', disconnect), deafMs: 2000 },
  'a stable replica killed': { strike: (scene) => firstOf(scene, 'stable', (c) => docker.getContainer(c.id).kill()) },
  'a stable replica removed': {
    strike: (scene) => firstOf(scene, 'stable', (c) => docker.getContainer(c.id).remove({ force: true })),
  },
  'candidate out of memory': { strike: (scene) => eachOf(scene, 'wanted', eatMemory) },
  'a stable replica out of memory': { strike: (scene) => firstOf(scene, 'stable', eatMemory) },
  'a stable address given to another': {
    strike: (scene) => firstOf(scene, 'stable', (c) => giveAddress(c, scene)),
    heal: removeStrangers,
  },
  'a check hangs': {
    strike: hangChecks,
    heal: answerChecks,
    guarded: true,
  },
  'a hook never ends': { strike: ({ subject }) => subject.project.write(HANGING, ''), heal: endHooks, guarded: true },
  'docker compose up': { strike: ({ subject, versions }) => subject.project.compose(['up', '-d'], versions.stable) },
  'docker compose restart': { strike: ({ subject }) => subject.project.compose(['restart', '-t', '1']), outage: true },
  'docker compose down': {
    strike: ({ subject }) => subject.project.compose(['down', '-t', '1']),
    heal: composeUp,
    outage: true,
  },
  'disk full': { strike: fillDisk, heal: freeDisk },
  'state read-only': { strike: makeReadOnly, heal: makeWritable },
  'dockerd killed': { strike: () => restartEngine('KILL'), outage: true, engine: [] },
  'dockerd restarted': { strike: () => restartEngine('TERM'), outage: true, engine: [] },
  'dockerd killed, live-restore': { strike: () => restartEngine('KILL', LIVE), outage: true, engine: [LIVE] },
  'dockerd restarted, live-restore': { strike: () => restartEngine('TERM', LIVE), outage: true, engine: [LIVE] },
} as const satisfies Readonly<Record<string, Fault>>;
export type Foreign = keyof typeof FAULTS;

/** Ends and starts an engine that nobody else uses; set by scripts/own-engine. */
const OWN_ENGINE = process.env['DEPLOY_BG_TEST_DOCKERD'];
/** Those that can be made here. */
export const FOREIGN = (Object.keys(FAULTS) as Foreign[]).filter(
  (name) => !('engine' in FAULTS[name]) || OWN_ENGINE !== undefined,
);

/** Moments of a deploy that differ in who is where; not every strategy has all of them. */
const MOMENTS: readonly Pick<Point, 'what' | 'moment'>[] = [
  { what: 'accepted', moment: 'after' },
  { what: 'result create', moment: 'after' },
  { what: 'event container-ready', moment: 'after' },
  { what: 'intent route', moment: 'after' },
  { what: 'event weight-confirmed', moment: 'after' },
  { what: 'intent remove', moment: 'after' },
];

/** A kind of project whose deploy meets one thing that others do, at each of its moments. */
export function foreignCell(kind: Kind, fault: Foreign): Cell {
  const { guarded, engine }: Fault = FAULTS[fault];
  return {
    kind: { ...kind, ...(guarded && { guarded }), ...(engine && { restarted: true }) },
    verb: 'deploy',
    fault,
    alone: engine !== undefined,
    trials: async (subject) => {
      if (engine !== undefined) await restartEngine('TERM', ...engine).then(() => untilAnswers(subject));
      const { wanted } = subject.versions;
      const points = pointsOf(await subject.entries(['deploy', wanted]), false);
      subject.serving = wanted;
      return points.filter(isMoment).map((point) => trial(point, FAULTS[fault]));
    },
  };
}

function isMoment({ what, moment }: Point): boolean {
  return MOMENTS.some((wanted) => wanted.what === what && wanted.moment === moment);
}

function trial(point: Point, fault: Fault): Trial {
  return { name: `${point.moment} ${point.what}`, run: (subject) => meet(subject, point, fault) };
}

async function meet(subject: Subject, point: Point, fault: Fault): Promise<string> {
  const { versions } = subject;
  const struck = { at: 0 };
  const run = await subject
    .runAround(['deploy', versions.wanted], point, async () => {
      struck.at = now();
      await fault.strike({ subject, versions });
      struck.at = now();
    })
    .finally(async () => {
      if (struck.at > 0) await fault.heal?.({ subject, versions });
    });
  if (run === null) return 'no such moment';
  if (fault.outage === true) subject.excuseLost();
  else subject.expectNoneLost(struck.at + (fault.deafMs ?? 0));
  await ok(subject.run(['cleanup']));
  // What waits for a person is not for cleanup.
  if (run.exit === 4) await subject.run(['rollback']);
  if (run.exit !== 0) await ok(subject.run(['deploy', versions.wanted]));
  await eventually(() => subject.expectWhole(versions.wanted));
  if (fault.outage === true) subject.excuseLost();
  else subject.expectNoneLost();
  return run.exit === 0 ? 'went on' : `exit ${String(run.exit)}, mended by the next deploy`;
}

function now(): number {
  return performance.timeOrigin + performance.now();
}

/** What others did may take a health check to be over. @throws as it does the last time */
async function eventually(expected: () => Promise<void>): Promise<void> {
  const holds = (): Promise<boolean> =>
    expected().then(
      () => true,
      () => false,
    );
  await until('the project to be whole', holds).catch(expected);
}

async function containersOf(
  { subject, versions }: Scene,
  which: 'stable' | 'wanted',
): Promise<readonly ObservedContainer[]> {
  const all = await subject.project.containers();
  const image = subject.project.image(versions[which]);
  return all.filter(
    (c) =>
      c.service === 'web' &&
      c.state === 'running' &&
      (c.version ?? c.image) === (c.version === null ? image : versions[which]),
  );
}

async function eachOf(
  scene: Scene,
  which: 'stable' | 'wanted',
  act: (c: ObservedContainer) => Promise<unknown>,
): Promise<void> {
  for (const container of await containersOf(scene, which)) await act(container);
}

async function firstOf(
  scene: Scene,
  which: 'stable' | 'wanted',
  act: (c: ObservedContainer) => Promise<unknown>,
): Promise<void> {
  const [first, second] = await containersOf(scene, which);
  // The last one is not for others to take away: then nobody could serve.
  if (first !== undefined && second !== undefined) await act(first);
}

/** The engine refuses it while the container is being started. */
async function pause(container: ObservedContainer): Promise<void> {
  const paused = (): Promise<boolean> =>
    docker
      .getContainer(container.id)
      .pause()
      .then(
        () => true,
        () => false,
      );
  await until(`${container.name} to be paused`, paused);
}

async function unpauseAll({ subject }: Scene): Promise<void> {
  const all = (await subject.project.containers()).filter(({ state }) => state === 'paused');
  await Promise.all(all.map(({ id }) => docker.getContainer(id).unpause()));
}

async function disconnect(container: ObservedContainer): Promise<void> {
  const { NetworkSettings } = await docker.getContainer(container.id).inspect();
  for (const name of Object.keys(NetworkSettings.Networks))
    await docker.getNetwork(name).disconnect({ Container: container.id, Force: true });
}

/** The kernel takes the application first, and with it whoever else is in there. */
const EATER =
  'echo 1000 > /proc/1/oom_score_adj; exec node -e "for (const all = []; ; ) all.push(Buffer.alloc(1e6, 1))"';

async function eatMemory(container: ObservedContainer): Promise<void> {
  const { id, name } = container;
  // It dies with the container, so that nobody can say how it ended.
  await execa('docker', ['exec', id, 'sh', '-c', EATER], { reject: false });
  const dead = async (): Promise<boolean> => (await docker.getContainer(id).inspect()).State.OOMKilled;
  await until(`${name} to be out of memory`, dead);
}

/** A container is removed, and one that is none of the project’s gets its address. */
async function giveAddress({ id, image }: ObservedContainer, { subject }: Scene): Promise<void> {
  const { NetworkSettings } = await docker.getContainer(id).inspect();
  const [name = '', { IPAddress }] = Object.entries(NetworkSettings.Networks)[0] ?? ['', { IPAddress: '' }];
  await docker.getContainer(id).remove({ force: true });
  const stranger = await docker.createContainer({
    Image: image,
    Env: [`APP_VERSION=${STRANGER}`],
    Labels: { 'deploy-bg.test': 'chaos', [IN]: subject.project.name },
    HostConfig: { NetworkMode: name },
    NetworkingConfig: { EndpointsConfig: { [name]: { IPAMConfig: { IPv4Address: IPAddress } } } },
  });
  await stranger.start();
}

const IN = 'deploy-bg.test.stranger-in';

async function removeStrangers({ subject }: Scene): Promise<void> {
  const filters = { label: [`${IN}=${subject.project.name}`] };
  const all = await docker.listContainers({ all: true, filters });
  await Promise.all(all.map(({ Id }) => docker.getContainer(Id).remove({ force: true })));
}

function hangChecks({ subject }: Scene): Promise<void> {
  subject.endpoint.hang();
  return Promise.resolve();
}

function answerChecks({ subject }: Scene): Promise<void> {
  subject.endpoint.answer();
  return Promise.resolve();
}

function endHooks({ subject }: Scene): Promise<void> {
  return subject.project.remove(HANGING);
}

const proxyOf = ({ subject }: Scene): string => `${subject.project.name}-proxy-1`;

function killProxy(scene: Scene): Promise<unknown> {
  return docker.getContainer(proxyOf(scene)).kill();
}

async function startProxy(scene: Scene): Promise<void> {
  // Unless a deploy has started it already, as it does with every shared service.
  await scene.subject.project.compose(['up', '-d', 'proxy'], scene.versions.stable);
  await untilAnswers(scene.subject);
}

async function restartProxy(scene: Scene): Promise<void> {
  await docker.getContainer(proxyOf(scene)).restart({ t: 1 });
  await untilAnswers(scene.subject);
}

async function recreateProxy(scene: Scene): Promise<void> {
  const { subject, versions } = scene;
  await subject.project.compose(['up', '-d', '--force-recreate', '--no-deps', 'proxy'], versions.stable);
  await untilAnswers(scene.subject);
}

async function composeUp(scene: Scene): Promise<void> {
  await scene.subject.project.compose(['up', '-d', 'proxy'], scene.versions.stable);
}

async function untilAnswers(subject: Subject): Promise<void> {
  const answers = (): Promise<boolean> =>
    fetch(subject.project.url, { headers: { connection: 'close' } }).then(
      (answer) => answer.ok,
      () => false,
    );
  await until('the proxy to answer again', answers, 15_000);
}

function restartEngine(signal: 'KILL' | 'TERM', ...flags: readonly string[]): Promise<unknown> {
  return execa(OWN_ENGINE ?? '', ['restart', signal, ...flags]);
}

/** Somebody writes into what we generate, without telling the proxy. */
async function editProxyFiles({ subject }: Scene): Promise<void> {
  const file = subject.kind.proxy === 'caddy' ? 'routes.caddy' : 'routes.conf';
  const path = join(subject.project.directory, 'proxy', 'deploy-bg', file);
  await writeFile(path, `${await readFile(path, 'utf8')}\n# looked at by hand\n`);
}

/** A small disk of its own takes the place of the state folder, with all that was in it and no room for more. */
async function fillDisk({ subject }: Scene): Promise<void> {
  const { state, aside } = stateOf(subject);
  await execa('cp', ['-a', state, aside]);
  await execa('mount', ['-t', 'tmpfs', '-o', 'size=2m,mode=0700', 'tmpfs', state]);
  await execa('cp', ['-a', `${aside}/.`, state]);
  await execa('dd', ['if=/dev/zero', `of=${join(state, FILLER)}`, 'bs=4k'], { reject: false });
}

/** The state stays as it is by then. */
async function freeDisk({ subject }: Scene): Promise<void> {
  const { state, aside } = stateOf(subject);
  await rm(join(state, FILLER), { force: true });
  await rm(aside, { recursive: true });
  await execa('cp', ['-a', state, aside]);
  await execa('umount', [state]);
  await rm(state, { recursive: true });
  await rename(aside, state);
}

const FILLER = 'filler.tmp';

function stateOf({ project }: Subject) {
  return { state: join(project.directory, '.deploy-bg'), aside: join(project.directory, 'aside') };
}

/** Root may write everywhere, unless the file system itself says no. */
async function makeReadOnly({ subject }: Scene): Promise<void> {
  const { state } = stateOf(subject);
  if (process.getuid?.() === 0) await execa('mount', ['--bind', '-o', 'ro', state, state]);
  else await chmod(state, 0o500);
}

async function makeWritable({ subject }: Scene): Promise<void> {
  const { state } = stateOf(subject);
  if (process.getuid?.() === 0) await execa('umount', [state]);
  else await chmod(state, 0o700);
}
