import { chmod, mkdir, mkdtemp, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, delimiter, join } from 'node:path';
import { execa } from 'execa';
import { freePort, TEST_LABEL, until } from './project.ts';
import { programPath } from './program.ts';

type Running = ReturnType<typeof run>;

function run([program = '', ...words]: readonly string[]) {
  return execa(program, [...words, '-g', 'daemon off;'], { reject: false });
}

/** Debian's own, or the present one of its makers: in a container, but among the processes and addresses of the machine. */
export type Build = 'of Debian' | 'of its makers';

/** How to start an nginx, and how to ask it something, before its own words. */
interface Program {
  readonly start: readonly string[];
  readonly ask: readonly string[];
}

async function programOf(build: Build, folder: string): Promise<Program> {
  if (build === 'of Debian') {
    const program = [await programPath('nginx')];
    return { start: program, ask: program };
  }
  const name = basename(folder);
  const there = ['--network', 'host', '--pid', 'host', '-v', `${folder}:${folder}`, '--label', `${TEST_LABEL}=nginx`];
  return {
    start: ['docker', 'run', '--rm', '--name', name, ...there, 'nginx:stable', 'nginx'],
    ask: ['docker', 'exec', name, 'nginx'],
  };
}

/** An nginx of this machine with a configuration of its own: `bin/nginx` is the command that people have in PATH. */
export class HostNginx {
  readonly folder: string;
  readonly port: number;
  readonly #start: readonly string[];
  #process: Running | null = null;

  private constructor(folder: string, port: number, start: readonly string[]) {
    this.folder = folder;
    this.port = port;
    this.#start = start;
  }

  static async create(build: Build = 'of Debian'): Promise<HostNginx> {
    const folder = await realpath(await mkdtemp(join(tmpdir(), 'deploy-bg-nginx-')));
    // Its workers are of a user of their own.
    await chmod(folder, 0o755);
    for (const name of ['bin', 'sites-enabled', 'tmp']) await mkdir(join(folder, name));
    const { start, ask } = await programOf(build, folder);
    const places = ['-p', folder, '-e', `${folder}/error.log`, '-c', `${folder}/nginx.conf`];
    const nginx = new HostNginx(folder, await freePort(), [...start, ...places]);
    await writeFile(nginx.command, `#!/bin/sh\nexec ${[...ask, ...places].join(' ')} "$@"\n`, { mode: 0o755 });
    await writeFile(join(folder, 'nginx.conf'), configuration(folder));
    return nginx;
  }

  get command(): string {
    return join(this.folder, 'bin', 'nginx');
  }

  get url(): string {
    return `http://127.0.0.1:${String(this.port)}`;
  }

  /** A PATH in which it is the first nginx. */
  get path(): string {
    return [join(this.folder, 'bin'), process.env['PATH'] ?? ''].join(delimiter);
  }

  /** Writes a site as a person does, with whatever they have said before. */
  async site(text: string, name = 'site'): Promise<void> {
    await writeFile(join(this.folder, 'sites-enabled', name), text);
  }

  async start(): Promise<void> {
    this.#process = run(this.#start);
    await until('nginx to run', () => this.pid().then((pid) => pid !== null));
  }

  /** As its pid file says; null if there is none. */
  async pid(): Promise<number | null> {
    const text = await readFile(join(this.folder, 'nginx.pid'), 'utf8').catch(() => '');
    return text.trim() === '' ? null : Number(text);
  }

  async reload(): Promise<void> {
    await execa(this.command, ['-s', 'reload']);
  }

  async stop(): Promise<void> {
    this.#process?.kill('SIGTERM');
    await this.#process;
    this.#process = null;
  }

  async remove(): Promise<void> {
    await this.stop();
    await rm(this.folder, { recursive: true, force: true });
  }
}

/** As Debian's nginx.conf, with everything in one folder. */
function configuration(folder: string): string {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
  return `# pid /run/not-this.pid;
worker_processes 2;
pid ${folder}/nginx.pid;
events { worker_connections 1024; }
http {
  access_log off;
  ${temporary.map((name) => `${name}_temp_path ${folder}/tmp/${name};`).join('\n  ')}
  include ${folder}/sites-enabled/*;
}
`;
}
