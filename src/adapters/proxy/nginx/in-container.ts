import { inTime } from '../../system/in-time.ts';
import type { ExecResult, ProxyContainer, ProxyEngine } from '../engine.ts';
import { runningProxy, type Place } from '../wiring.ts';
import { featuresOf, type NginxFeatures } from './features.ts';
import type { Nginx, RunningNginx } from './nginx.ts';
import { hasOwnPages } from './own-pages.ts';

const EXEC_DEADLINE_MS = 30_000;

/** nginx in a container of the project: asked by the engine, and by itself for the names of containers. */
export class ContainerNginx implements Nginx {
  readonly name: string;
  readonly isShared = false;
  readonly #engine: ProxyEngine;
  readonly #place: Place;

  constructor(engine: ProxyEngine, place: Place) {
    this.name = place.service;
    this.#engine = engine;
    this.#place = place;
  }

  async find(): Promise<RunningNginx | null> {
    const proxy = await this.#engine.proxyContainer(this.#place.project, this.#place.service);
    return proxy?.running === true ? this.#of(proxy) : null;
  }

  async running(): Promise<RunningNginx> {
    return this.#of(await runningProxy(this.#engine, this.#place));
  }

  async answersAt(): Promise<readonly string[]> {
    const { addresses } = await runningProxy(this.#engine, this.#place);
    const own = Object.values(addresses).filter((address) => address !== '');
    // Without networks of its own it is in the host's.
    return own.length > 0 ? own : ['127.0.0.1'];
  }

  endpoints(): Promise<null> {
    return Promise.resolve(null);
  }

  #of(proxy: ProxyContainer): RunningNginx {
    const [program = 'nginx', ...given] = nginxCommand(proxy.command);
    const test = (): Promise<ExecResult> => this.#run(proxy, [program, ...given, '-T']);
    const features = async (): Promise<NginxFeatures> => {
      const [version, tested] = await Promise.all([this.#run(proxy, [program, '-v']), test()]);
      return { ...featuresOf(version.output), ownPages: hasOwnPages(tested, this.#place.mounted) };
    };
    return { id: proxy.id, pid: proxy.pid, test, features, reload: () => this.#engine.kill(proxy.id, 'HUP') };
  }

  #run({ id, name }: ProxyContainer, argv: readonly string[]): Promise<ExecResult> {
    const what = `\`${argv.join(' ')}\` in ${name}`;
    return inTime(EXEC_DEADLINE_MS, what, 'proxy-unreachable', this.#engine.exec(id, argv));
  }
}

/** The program and the arguments that the container runs nginx with: other folders and files may be named there. */
export function nginxCommand(command: readonly string[]): readonly string[] {
  const at = command.findIndex((word) => /(^|\/)nginx(-debug)?$/.test(word));
  return at < 0 ? ['nginx'] : command.slice(at);
}
