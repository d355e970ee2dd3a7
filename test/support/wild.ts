import { mkdtemp, readdir, realpath, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { DockerCompose } from '../../src/adapters/compose/compose.ts';
import { createRouter } from '../../src/adapters/proxy/router.ts';
import { FileStore } from '../../src/adapters/store/file-store.ts';
import { deploy } from '../../src/app/deploy.ts';
import type { Checker } from '../../src/app/check-ports.ts';
import type { Outcome } from '../../src/app/outcome.ts';
import type { Engine, Ports } from '../../src/app/ports.ts';
import { composeCommand } from '../../src/cli/compose-program.ts';
import { requireDocker } from '../../src/cli/docker-binary.ts';
import { configFolder } from '../../src/cli/endpoint.ts';
import { shownError } from '../../src/cli/shown-error.ts';
import type { ProgressEvent } from '../../src/core/events.ts';
import type { ObservedContainer } from '../../src/core/observed.ts';
import type { Project } from '../../src/core/project.ts';

export const WILD = resolve(import.meta.dirname, '../wild');

const DOCKER = requireDocker(process.env);

/** What `deploy v2 --dry-run` says of a compose file. */
export interface Said {
  /** `web: in place, rolling ×2`, in the order of the file. */
  readonly services: readonly string[];
  readonly warnings: readonly string[];
  /** Where `docker compose up -d` runs all of it. */
  readonly plan: readonly string[];
  /** On a host where nothing runs. */
  readonly first: readonly string[];
}

/** A refusal, as people see it. */
export interface Refused {
  readonly code: string;
  readonly text: string;
}

export interface WildOptions {
  /** In the folder of this name; else the name is a file. */
  readonly files?: readonly string[];
  readonly profiles?: readonly string[];
}

/** Plans the deploy of a file of test/wild, by the real Compose, and an engine that anybody may ask and nobody may command. */
export async function planOf(name: string, options: WildOptions = {}): Promise<Said | Refused> {
  const isFolder = await stat(join(WILD, name)).then(
    (entry) => entry.isDirectory(),
    () => false,
  );
  const compose = new DockerCompose(
    {
      docker: [DOCKER],
      compose: composeCommand(DOCKER, [], configFolder({ config: null }, process.env)),
      files: isFolder ? (options.files ?? []) : [`${name}.yml`],
      envFiles: [],
      profiles: options.profiles ?? [],
      cwd: isFolder ? join(WILD, name) : WILD,
      env: { PATH: process.env['PATH'], HOME: process.env['HOME'] },
    },
    () => Promise.resolve(null),
  );
  const state = await realpath(await mkdtemp(join(tmpdir(), 'deploy-bg-wild-')));
  try {
    return await said(compose, state);
  } catch (error) {
    const { code, what, details, next } = shownError(error, false);
    return { code, text: [what, ...details, next].join('\n') };
  } finally {
    await rm(state, { recursive: true, force: true });
  }
}

async function said(compose: DockerCompose, state: string): Promise<Said> {
  const project = await compose.read('v2');
  const events: ProgressEvent[] = [];
  const ports = portsOf(compose, project, state, (event) => events.push(event));
  const plan = (containers: readonly ObservedContainer[]) =>
    deploy(ports(containers), DRY, AbortSignal.timeout(20_000));
  const [running, first] = [await plan(asPlainComposeRuns(project)), await plan([])];
  if ((await readdir(state)).length > 0) throw new Error('a dry run wrote state');
  return {
    services: Object.values(project.services).map(roleText),
    warnings: project.warnings.map((warning) => warning.code),
    plan: stepsOf(running),
    first: stepsOf(first),
  };
}

function stepsOf({ plan, message }: Outcome): readonly string[] {
  return plan?.state === 'planned' ? plan.steps.map(({ text }) => text) : [message];
}

function roleText({ name, placement, strategy, replicas }: Project['services'][string]): string {
  const how = placement === 'colored' || placement === 'in-place' ? `${placement}, ${strategy}` : placement;
  return `${name}: ${how}${replicas === 1 ? '' : ` ×${String(replicas)}`}`;
}

const DRY = {
  ...{
    version: 'v2',
    services: [],
    pull: false,
    build: false,
    refresh: false,
    force: false,
    dryRun: true,
    takeOver: false,
  },
  ...{ supersede: false, attach: false, detach: false, waitMs: null, timeoutMs: null },
};

/** Only what a plan has to know is answered; any other call is an action, and fails the test. */
function portsOf(compose: DockerCompose, project: Project, state: string, emit: (event: ProgressEvent) => void) {
  const clock = { now: () => 0, wait: () => Promise.resolve() };
  const unreachable = {
    proxyContainer: () => Promise.resolve(null),
    reachable: () => Promise.resolve([]),
    exec: forbidden('exec'),
    kill: forbidden('kill'),
  };
  return (containers: readonly ObservedContainer[]): Ports =>
    only<Ports>({
      clock,
      ids: { release: () => 'r1', rollout: () => 'r1' },
      engine: only<Engine>({
        containers: () => Promise.resolve(containers),
        composeProjectsWithNetworks: () => Promise.resolve([]),
        image: () => Promise.resolve(null),
        machine: () => Promise.resolve({ memoryBytes: null, dataRoot: null }),
        memoryOf: () => Promise.resolve(null),
      }),
      host: only<Ports['host']>({ memory: () => Promise.resolve(null) }),
      compose: only<Ports['compose']>({
        read: () => Promise.resolve(project),
        identity: (...asked: Parameters<DockerCompose['identity']>) => compose.identity(...asked),
        sharedDrift: (...asked: Parameters<DockerCompose['sharedDrift']>) => compose.sharedDrift(...asked),
        imageSource: (...asked: Parameters<DockerCompose['imageSource']>) => compose.imageSource(...asked),
      }),
      router: (target) => createRouter(target, { engine: unreachable, clock }),
      store: new FileStore({ projectDirectory: state, stateDirectory: join(state, '.deploy-bg') }),
      checker: () => only<Checker>({}),
      secrets: [],
      emit,
      times: {},
    });
}

function forbidden(name: string): () => never {
  return () => {
    throw new Error(`a dry run called ${name}`);
  };
}

/** A part of a port; what else is asked of it fails. */
function only<T extends object>(part: Partial<T>): T {
  return new Proxy(part, {
    get: (target, name) => (name in target ? Reflect.get(target, name) : forbidden(String(name))()),
  }) as T;
}

function asPlainComposeRuns(project: Project): readonly ObservedContainer[] {
  return Object.values(project.services)
    .filter(({ placement }) => placement !== 'one-shot')
    .flatMap(({ name, replicas }) =>
      Array.from({ length: replicas }, (_, index) =>
        container(`${project.name}-${name}-${String(index + 1)}`, name, index + 1),
      ),
    );
}

function container(name: string, service: string, number: number): ObservedContainer {
  return {
    ...{ id: name, name, service, number, image: 'old', imageId: 'sha256:old', configHash: 'old' },
    ...{ color: null, release: null, rollout: null, store: null, version: null, oneOff: false },
    ...{ state: 'running', health: 'none', exitCode: null, oomKilled: false, restarts: 0, pid: 1 },
    ...{ createdAt: 0, startedAt: 0, finishedAt: null, addresses: {} },
  };
}
