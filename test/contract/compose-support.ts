import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import Docker from 'dockerode';
import { DockerEngine } from '../../src/adapters/docker/engine.ts';
import { DockerCompose } from '../../src/adapters/compose/compose.ts';
import type { ComposeOptions } from '../../src/adapters/compose/options.ts';
import type { FrozenRelease } from '../../src/app/ports.ts';
import { type Color, colorService, composeProject } from '../../src/core/color.ts';
import type { Project } from '../../src/core/project.ts';

const run = promisify(execFile);

/** Images `:v1` and `:v2`, made from one that the tests need anyway; each test file has its own, and removes them. */
export const IMAGE = `deploy-bg-test-compose-${String(process.pid)}`;

export async function docker(...args: readonly string[]): Promise<string> {
  const { stdout } = await run('docker', args);
  return stdout.trim();
}

export async function makeImages(): Promise<void> {
  for (const version of ['v1', 'v2']) {
    const built = run('docker', ['build', '-q', '-t', `${IMAGE}:${version}`, '-']);
    built.child.stdin?.end(
      `FROM node:24-slim\nLABEL deploy-bg.test=compose version=${version}\nSTOPSIGNAL SIGKILL\nCMD ["sleep", "infinity"]\n`,
    );
    await built;
  }
}

export async function removeImages(): Promise<void> {
  await docker('rmi', '-f', `${IMAGE}:v1`, `${IMAGE}:v2`).catch(() => '');
}

/** A folder with compose files, and everything that was made from them. */
export class Workspace {
  readonly directory: string;
  readonly name: string;

  private constructor(directory: string) {
    this.directory = directory;
    this.name = `dbgc${directory
      .slice(-6)
      .toLowerCase()
      .replaceAll(/[^a-z0-9]/g, '0')}`;
  }

  static async create(files: Readonly<Record<string, string>>): Promise<Workspace> {
    const workspace = new Workspace(await mkdtemp(join(tmpdir(), 'deploy-bg-')));
    for (const [name, text] of Object.entries(files)) await workspace.write(name, text);
    return workspace;
  }

  async write(name: string, text: string): Promise<void> {
    const path = join(this.directory, name);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, text.replaceAll('PROJECT', this.name));
  }

  compose(options: Partial<ComposeOptions> = {}): DockerCompose {
    return new DockerCompose(
      {
        docker: ['docker'],
        compose: ['docker', 'compose'],
        files: [],
        envFiles: [],
        profiles: [],
        cwd: this.directory,
        env: process.env,
        ...options,
      },
      (reference) => new DockerEngine(new Docker()).image(reference),
    );
  }

  /** `up`, and the start of what it only created, as a deploy does it. */
  async up(compose: DockerCompose, frozen: FrozenRelease, service: string, total: number): Promise<void> {
    if ((await compose.up(frozen, service, total)) === 'started') return;
    const project = composeProject(frozen.release.project, frozen.color);
    await new DockerEngine(new Docker()).startCreated(project, colorService(service, frozen.color));
  }

  /** The release of a project as the use case would make it. */
  async frozen(compose: DockerCompose, project: Project, color: Color | null, id = 'r1'): Promise<FrozenRelease> {
    const replaced = Object.values(project.services).filter(({ placement }) => placement !== 'shared');
    const services = await Promise.all(
      replaced.map(async (spec) => {
        const imageId = await docker('image', 'inspect', '-f', '{{.Id}}', spec.image).catch(() => 'sha256:none');
        const identity = await compose.identity(project, spec.name, imageId);
        return [spec.name, { ...spec, version: project.version, imageId, pinnedImage: spec.image, identity }] as const;
      }),
    );
    return {
      release: {
        format: 1,
        id,
        version: project.version,
        project: project.name,
        createdAt: '2026-01-01T00:00:00Z',
        services: Object.fromEntries(services),
        shared: sharedServices(project),
        proxy: project.proxy,
        directory: project.directory,
        hooks: project.hooks,
        notify: project.notify,
        history: project.history,
        models: project.models,
        environmentValues: project.environmentValues,
        secretTexts: project.secretTexts,
      },
      color,
      rollout: 'rollout-1',
      store: 'store-1',
      folder: join(this.directory, '.deploy-bg/releases', id),
      projectDirectory: project.directory,
      shared: sharedServices(project),
    };
  }

  /** What a person types in the project's folder. Both streams. */
  async plain(version: string, ...args: readonly string[]): Promise<string> {
    const env = { ...process.env, VERSION: version, TOKEN: 'tok$en\nof two lines' };
    const { stdout, stderr } = await run('docker', ['compose', ...args], { cwd: this.directory, env });
    return stdout + stderr;
  }

  /** Ids of the containers of a Compose project, by name. */
  async containers(composeProject = this.name): Promise<Readonly<Record<string, string>>> {
    const label = `label=com.docker.compose.project=${composeProject}`;
    const lines = await docker('ps', '-a', '--no-trunc', '--filter', label, '--format', '{{.Names}} {{.ID}}');
    return Object.fromEntries(lines === '' ? [] : lines.split('\n').map((line) => splitOnce(line)));
  }

  async remove(): Promise<void> {
    for (const project of [`${this.name}-blue`, `${this.name}-green`, this.name])
      await run('docker', ['compose', '-p', project, 'down', '-v', '-t', '0', '--remove-orphans'], { cwd: tmpdir() });
    await rm(this.directory, { recursive: true, force: true });
  }
}

function sharedServices(project: Project): readonly string[] {
  return Object.values(project.services)
    .filter(({ placement }) => placement === 'shared')
    .map(({ name }) => name);
}

function splitOnce(line: string): [string, string] {
  const at = line.indexOf(' ');
  return [line.slice(0, at), line.slice(at + 1)];
}
