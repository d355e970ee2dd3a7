import { readFile } from 'node:fs/promises';
import { delimiter, dirname, isAbsolute, join } from 'node:path';
import { execa } from 'execa';
import { DeployError, messageOf } from '../../../core/errors.ts';
import type { ExecResult, ProxyEngine } from '../engine.ts';
import { isAbsent } from '../files.ts';
import { endpointsOf } from './endpoints.ts';
import { featuresOf, type NginxFeatures } from './features.ts';
import type { Endpoints, Nginx, RunningNginx } from './nginx.ts';
import { hostAddress } from './port.ts';

const RUN_DEADLINE_MS = 30_000;
const AS_ROOT = 'run the command as root: sudo docker-deploy-bg …';

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

  /** Who stands in its pid file, if that is an nginx: the number of one that is gone may be anybody's. */
  async find(): Promise<Master | null> {
    const pid = Number((await pidIn(await this.#pidFileOf()))?.trim());
    if (!Number.isInteger(pid) || pid <= 1) return null;
    const [title, stat] = await Promise.all(['cmdline', 'stat'].map((file) => this.#ofProcess(pid, file)));
    return title?.startsWith(MASTER) === true ? runningAs(pid, startOf(stat ?? '')) : null;
  }

  async running(): Promise<RunningNginx> {
    const nginx = await this.find();
    if (nginx === null) throw notRunning(await this.#pidFileOf());
    tell(nginx.pid, 0);
    return nginx;
  }

  answersAt(): Promise<readonly string[]> {
    return Promise.resolve([hostAddress(this.#project)]);
  }

  async endpoints(): Promise<Endpoints> {
    return endpointsOf(await this.#engine.reachable(this.#project));
  }

  #ofProcess(pid: number, file: string): Promise<string | null> {
    return textOf(join(this.#proc, String(pid), file));
  }

  async #pidFileOf(): Promise<string> {
    const asked = (this.#pidFile ??= pidFileOf());
    asked.catch(() => (this.#pidFile = null));
    return asked;
  }
}

type Master = RunningNginx & { readonly pid: number };

/** The process of that number that began then: after a restart of the machine, it may be another version's. */
function runningAs(pid: number, start: string): Master {
  const reload = (): Promise<void> =>
    new Promise((resolve) => {
      tell(pid, 'SIGHUP');
      resolve();
    });
  return { id: `process ${String(pid)} of ${start}`, pid, test: () => run(['-T']), features: hostFeatures, reload };
}

/** When a process began, in the ticks of the machine: the 22nd word of its `stat`, whose second may have spaces. */
function startOf(stat: string): string {
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '';
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

/** Sends it a signal; 0 only asks whether we may. @throws not-possible */
function tell(pid: number, signal: 'SIGHUP' | 0): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH')
      throw new DeployError('proxy-unreachable', {
        what: `nginx on this machine (process ${String(pid)}) has ended meanwhile`,
        next: 'start it: systemctl start nginx; `nginx -t` says why it does not',
        cause: error,
      });
    throw new DeployError('not-possible', {
      what: `nginx on this machine (process ${String(pid)}) cannot be told to reload: ${messageOf(error)}`,
      next: AS_ROOT,
      cause: error,
    });
  }
}

/** Null if there is no such file. @throws not-possible if it is closed to us */
async function pidIn(file: string): Promise<string | null> {
  return readFile(file, 'utf8').catch((error: unknown) => {
    if (isAbsent(error)) return null;
    throw new DeployError('not-possible', {
      what: `which process nginx is cannot be read in ${file}: ${messageOf(error)}`,
      next: AS_ROOT,
      cause: error,
    });
  });
}

/** A file that cannot be read tells nothing. */
async function textOf(path: string): Promise<string | null> {
  return readFile(path, 'utf8').catch(() => null);
}
