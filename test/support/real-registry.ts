import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { stringify } from 'yaml';
import { docker, freePort, type TestProject, until } from './project.ts';
import { programPath } from './program.ts';

const USER = 'ci';
const PASSWORD = 's3cret-of-ci';
/** The password as htpasswd(1) writes it; four rounds of bcrypt are enough for a test. */
const HTPASSWD = `${USER}:$2b$04$xIk3v2bZcyRScE9Q6ZeLb.8B2Kxtszdn4Wg7rloDY5KgiljTIOmF.\n`;

type Running = ReturnType<typeof run>;

function run(program: string, config: string) {
  return execa(program, ['serve', config], { reject: false });
}

/** A real registry on the loopback of this machine; only who logs in is answered. */
export class TestRegistry {
  readonly domain: string;
  /** `DOCKER_CONFIG` of somebody who has logged in. */
  readonly login: string;
  readonly #folder: string;
  readonly #program: string;
  #process: Running | null = null;

  private constructor(folder: string, port: number, program: string) {
    this.#folder = folder;
    this.#program = program;
    this.domain = `127.0.0.1:${String(port)}`;
    this.login = join(folder, 'login');
  }

  static async create(): Promise<TestRegistry> {
    const program = await programPath('docker-registry');
    const folder = await mkdtemp(join(tmpdir(), 'deploy-bg-registry-'));
    const registry = new TestRegistry(folder, await freePort(), program);
    await registry.#configure();
    await registry.start();
    return registry;
  }

  async #configure(): Promise<void> {
    const auth = { htpasswd: { realm: 'test', path: join(this.#folder, 'htpasswd') } };
    const storage = { filesystem: { rootdirectory: join(this.#folder, 'data') } };
    const http = { addr: this.domain, secret: randomBytes(16).toString('hex') };
    await writeFile(
      join(this.#folder, 'config.yml'),
      stringify({ version: 0.1, log: { level: 'error' }, storage, http, auth }),
    );
    await writeFile(join(this.#folder, 'htpasswd'), HTPASSWD);
    const pair = Buffer.from(`${USER}:${PASSWORD}`).toString('base64');
    await mkdir(this.login);
    await writeFile(join(this.login, 'config.json'), JSON.stringify({ auths: { [this.domain]: { auth: pair } } }));
  }

  /** Returns when it answers. */
  async start(): Promise<void> {
    this.#process = run(this.#program, join(this.#folder, 'config.yml'));
    await until('the registry to answer', () =>
      fetch(`http://${this.domain}/v2/`).then(
        () => true,
        () => false,
      ),
    );
  }

  /** Returns when it has ended. */
  async stop(): Promise<void> {
    this.#process?.kill('SIGKILL');
    await this.#process;
    this.#process = null;
  }

  /** Name of a project's image in it. */
  image(project: TestProject, tag: string): string {
    return `${this.domain}/${project.name}/web:${tag}`;
  }

  /** Has an image that was built for a project under another tag. What had that name here goes on to have it. */
  async push(project: TestProject, version: string, tag = version): Promise<void> {
    const reference = this.image(project, tag);
    const repo = `${this.domain}/${project.name}/web`;
    const before = await docker
      .getImage(reference)
      .inspect()
      .catch(() => null);
    await docker.getImage(project.image(version)).tag({ repo, tag });
    await execa('docker', ['--config', this.login, 'push', '-q', reference]);
    if (before === null) await docker.getImage(reference).remove();
    else await docker.getImage(before.Id).tag({ repo, tag });
  }

  async dispose(): Promise<void> {
    await this.stop();
    await rm(this.#folder, { recursive: true, force: true });
  }
}
