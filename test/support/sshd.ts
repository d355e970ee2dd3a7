import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { userInfo, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { execa } from 'execa';
import { programPath } from './program.ts';
import { CLI, freePort, until } from './project.ts';

type Running = ReturnType<typeof run>;

function run(binary: string, words: readonly string[], libraries: string) {
  return execa(binary, words, { reject: false, all: true, env: { LD_LIBRARY_PATH: libraries } });
}

/** Where OpenSSH's server wants an empty folder of root's. */
const EMPTY = '/run/sshd';

/** A real sshd on the loopback, with keys of its own, that lets in whoever runs the tests. */
export class TestSshd {
  readonly host = '127.0.0.1';
  readonly user = userInfo().username;
  readonly port: number;
  readonly folder: string;
  /** A private key that it accepts. */
  readonly key: string;
  /** Its public key, as `ssh-keyscan` prints it. */
  readonly knownHosts: string;
  readonly #process: Running;

  private constructor(of: Pick<TestSshd, 'port' | 'folder' | 'key' | 'knownHosts'>, process: Running) {
    this.port = of.port;
    this.folder = of.folder;
    this.key = of.key;
    this.knownHosts = of.knownHosts;
    this.#process = process;
  }

  static async create(): Promise<TestSshd> {
    const program = await programPath('sshd');
    const folder = await mkdtemp(join(tmpdir(), 'deploy-bg-sshd-'));
    const port = await freePort();
    for (const name of ['host', 'user'])
      await execa('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', join(folder, name)]);
    const own = await readFile(join(folder, 'user.pub'), 'utf8');
    await writeFile(join(folder, 'authorized'), `restrict ${own}`);
    await writeFile(join(folder, 'config'), await config(folder, port, program));
    const { running } = await start(program, folder);
    const [type, hostKey] = (await readFile(join(folder, 'host.pub'), 'utf8')).split(' ');
    const knownHosts = `[127.0.0.1]:${String(port)} ${type ?? ''} ${hostKey ?? ''}`;
    const key = await readFile(join(folder, 'user'), 'utf8');
    return new TestSshd({ port, folder, key, knownHosts }, running);
  }

  /** What examples/ci/deploy.sh has to know for a folder of this machine. */
  variables(directory: string): Record<string, string> {
    return {
      DEPLOY_HOST: this.host,
      DEPLOY_PORT: String(this.port),
      DEPLOY_USER: this.user,
      DEPLOY_DIRECTORY: directory,
      DEPLOY_KEY: this.key,
      DEPLOY_KNOWN_HOSTS: this.knownHosts,
    };
  }

  /** Ends every connection, as a network that breaks; what was begun over them is not told to end. */
  async breakConnections(): Promise<void> {
    const { stdout } = await execa('pgrep', ['-P', String(this.#process.pid)], { reject: false });
    for (const pid of stdout.split('\n').filter((line) => line !== '')) process.kill(Number(pid), 'SIGKILL');
  }

  async dispose(): Promise<void> {
    this.#process.kill('SIGTERM');
    await this.#process;
    await rm(this.folder, { recursive: true, force: true });
  }
}

/** Of nobody but the tests: its own keys, no PAM, and the command in the PATH of those who come in. */
async function config(folder: string, port: number, program: string): Promise<string> {
  const bin = join(folder, 'bin');
  await mkdir(bin);
  await writeFile(join(bin, 'docker-deploy-bg'), `#!/bin/sh\nexec node ${CLI} "$@"\n`, { mode: 0o755 });
  const lines = [
    `Port ${String(port)}`,
    'ListenAddress 127.0.0.1',
    `HostKey ${join(folder, 'host')}`,
    `AuthorizedKeysFile ${join(folder, 'authorized')}`,
    `PidFile ${join(folder, 'pid')}`,
    'UsePAM no',
    'StrictModes no',
    'PermitRootLogin yes',
    'PasswordAuthentication no',
    `SetEnv PATH=${bin}:${process.env['PATH'] ?? ''}`,
  ];
  // From 9.8 on, a program of its own serves a connection.
  const { stdout: session } = await execa('find', [dirname(dirname(program)), '-name', 'sshd-session']);
  const inPlace = program.startsWith('/usr/') || session === '';
  return [...lines, ...(inPlace ? [] : [`SshdSessionPath ${session}`]), ''].join('\n');
}

/** Returns when it answers. Root's sshd wants a user and a folder of its own: it gets them in a view of the files of its own. */
async function start(program: string, folder: string): Promise<{ readonly running: Running }> {
  const words = [program, '-D', '-e', '-f', join(folder, 'config')];
  const { stdout: libraries } = await execa('find', [
    dirname(dirname(program)),
    '-name',
    'libwrap.so.0',
    '-printf',
    '%h',
  ]);
  const isRoot = process.getuid?.() === 0;
  const [binary = '', ...rest] = isRoot ? [...(await asRoot(folder)), ...words] : words;
  const running = run(binary, rest, libraries);
  let ended = false;
  void running.then(() => (ended = true));
  await until('sshd to answer', async () => {
    if (ended) throw new Error(`sshd has ended: ${(await running).all}`);
    return readFile(join(folder, 'pid')).then(
      () => true,
      () => false,
    );
  });
  return { running };
}

async function asRoot(folder: string): Promise<readonly string[]> {
  const known = await readFile('/etc/passwd', 'utf8');
  const passwd = join(folder, 'passwd');
  await writeFile(passwd, /^sshd:/m.test(known) ? known : `${known}sshd:x:65534:65534::${EMPTY}:/usr/sbin/nologin\n`);
  await mkdir(EMPTY, { recursive: true, mode: 0o755 });
  return ['unshare', '--mount', 'sh', '-c', 'mount --bind "$0" /etc/passwd && exec "$@"', passwd];
}
