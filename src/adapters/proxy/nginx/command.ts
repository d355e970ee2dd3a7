import type { ExecResult, ProxyContainer, ProxyEngine } from '../engine.ts';
import { inTime } from '../../system/in-time.ts';
import { hasOwnPages } from './own-pages.ts';
import { featuresOf, type NginxFeatures } from './features.ts';

const EXEC_DEADLINE_MS = 30_000;

/** The program and the arguments that the container runs nginx with: other folders and files may be named there. */
export function nginxCommand(command: readonly string[]): readonly string[] {
  const at = command.findIndex((word) => /(^|\/)nginx(-debug)?$/.test(word));
  return at < 0 ? ['nginx'] : command.slice(at);
}

/** Has nginx test the configuration on disk; the output names every file that is part of it. */
export async function test(engine: ProxyEngine, proxy: ProxyContainer): Promise<ExecResult> {
  return run(engine, proxy, [...nginxCommand(proxy.command), '-T']);
}

/** Asks the installed nginx what it is, and what it works by. */
export async function askFeatures(engine: ProxyEngine, proxy: ProxyContainer, mounted: string): Promise<NginxFeatures> {
  const [program = 'nginx'] = nginxCommand(proxy.command);
  const [version, tested] = await Promise.all([run(engine, proxy, [program, '-v']), test(engine, proxy)]);
  return { ...featuresOf(version.output), ownPages: hasOwnPages(tested, mounted) };
}

async function run(engine: ProxyEngine, proxy: ProxyContainer, argv: readonly string[]): Promise<ExecResult> {
  const what = `\`${argv.join(' ')}\` in ${proxy.name}`;
  return inTime(EXEC_DEADLINE_MS, what, 'proxy-unreachable', engine.exec(proxy.id, argv));
}
