import { readFile } from 'node:fs/promises';
import { delimiter, dirname, isAbsolute, join } from 'node:path';
import { execa } from 'execa';
import { DeployError, messageOf } from '../../../core/errors.ts';
import type { ExecResult, ProxyEngine } from '../engine.ts';
import { readIfThere } from '../files.ts';
import { endpointsOf } from './endpoints.ts';
import { featuresOf, type NginxFeatures } from './features.ts';
import type { Endpoints, Nginx, RunningNginx } from './nginx.ts';
import { hostAddress } from './port.ts';

const RUN_DEADLINE_MS = 30_000;

/** Where Debian and others have it, whatever the PATH of somebody who is not root. */
const SBIN = ['/usr/local/sbin', '/usr/sbin', '/sbin'];

/** The title that nginx gives to its first process, whatever the program is called. */
const MASTER = 'nginx: master process';

export interface HostNginxDeps {
  readonly engine: ProxyEngine;
  readonly project: string;
  readonly proc?: string | undefined;
}

/** The nginx of this machine: the first one of PATH, with the files and the process that it names itself. */
export class HostNginx implements Nginx {
  readonly name = 'nginx on this machine';
  readonly isShared = true;
  readonly #engine: ProxyEngine;
  readonly #project: string;
  readonly #proc: string;
  /** Asking costs a process, and drains look at it many times a second. */
  #pidFile: Promise<string> | null = null;

  constructor({ engine, project, proc = '/proc' }: HostNginxDeps) {
    this.#engine = engine;
    this.#project = project;
    this.#proc = proc;
  }

  async find(): Promise<RunningNginx | null> {
    const pid = await this.#master();
    return pid === null ? null : this.#of(pid);
  }

  async running(): Promise<RunningNginx> {
    const pid = await this.#master();
    if (pid === null) throw notRunning(await this.#pidFileOf());
    requireRight(pid);
    return this.#of(pid);
  }

  answersAt(): Promise<readonly string[]> {
    return Promise.resolve([hostAddress(this.#project)]);
  }

  async endpoints(): Promise<Endpoints> {
    return endpointsOf(await this.#engine.reachable(this.#project));
  }

  #of(pid: number): RunningNginx {
    return {
      id: `process ${String(pid)}`,
      pid,
      test: () => run(['-T']),
      features: hostFeatures,
      reload: () => Promise.resolve(void process.kill(pid, 'SIGHUP')),
    };
  }

  /** Who stands in its pid file, if that is an nginx: the number of one that is gone may be anybody's. */
  async #master(): Promise<number | null> {
    const pid = Number((await readIfThere(await this.#pidFileOf()))?.trim());
    if (!Number.isInteger(pid) || pid <= 1) return null;
    const title = await textOf(join(this.#proc, String(pid), 'cmdline'));
    return title?.startsWith(MASTER) === true ? pid : null;
  }

  async #pidFileOf(): Promise<string> {
    const asked = (this.#pidFile ??= pidFileOf());
    asked.catch(() => (this.#pidFile = null));
    return asked;
  }
}

/** What it is, and what it can do here: names of containers mean nothing to it, and pages for errors are of all sites. */
async function hostFeatures(): Promise<NginxFeatures> {
  return { ...featuresOf((await run(['-v'])).output), resolve: false, ownPages: true };
}

/** As its configuration says, else as it was built. */
async function pidFileOf(): Promise<string> {
  const [built, tested] = await Promise.all([run(['-V']), run(['-T'])]);
  const [, main = builtWith(built.output, 'conf-path')] = TESTED_FILE.exec(tested.output) ?? [];
  const text = tested.exitCode === 0 ? tested.output : await textOf(main ?? '');
  const [, given] = PID.exec((text ?? '').replaceAll(/^\s*#.*$|\s#.*$/gm, '')) ?? [];
  const file = given ?? builtWith(built.output, 'pid-path') ?? 'logs/nginx.pid';
  return isAbsolute(file) ? file : join(builtWith(built.output, 'prefix') ?? dirname(main ?? '/'), file);
}

const TESTED_FILE = /configuration file (\S+) (?:test|syntax)/;
const PID = /(?:^|[;{}\s])pid\s+["']?([^\s;"']+)["']?\s*;/;

/** What `nginx -V` says of one of its places. */
function builtWith(output: string, name: string): string | undefined {
  return new RegExp(`--${name}=(\\S+)`).exec(output)?.[1];
}

async function run(args: readonly string[]): Promise<ExecResult> {
  const path = [process.env['PATH'] ?? '', ...SBIN].join(delimiter);
  const options = { env: { PATH: path, LC_ALL: 'C' }, stdin: 'ignore', all: true, reject: false } as const;
  const ended = await execa('nginx', args, { ...options, timeout: RUN_DEADLINE_MS });
  if (ended.exitCode !== undefined) return { exitCode: ended.exitCode, output: ended.all };
  throw new DeployError('proxy-unreachable', {
    what:
      ended.code === 'ENOENT'
        ? 'there is no nginx on this machine'
        : `\`nginx ${args.join(' ')}\`: ${messageOf(ended)}`,
    next: 'install nginx or put it into PATH; for one in a container see proxy.service',
    cause: ended,
  });
}

function notRunning(pidFile: string): DeployError {
  return new DeployError('proxy-unreachable', {
    what: `nginx does not run on this machine: ${pidFile} names no nginx`,
    next: 'start it: systemctl start nginx; `nginx -t` says why it does not',
  });
}

/** @throws not-possible if we may not tell it to reload */
function requireRight(pid: number): void {
  try {
    process.kill(pid, 0);
  } catch (error) {
    throw new DeployError('not-possible', {
      what: `nginx on this machine (process ${String(pid)}) belongs to another user: ${messageOf(error)}`,
      next: 'run the command as root: sudo docker-deploy-bg …',
      cause: error,
    });
  }
}

/** A file that cannot be read tells nothing. */
async function textOf(path: string): Promise<string | null> {
  return readFile(path, 'utf8').catch(() => null);
}
