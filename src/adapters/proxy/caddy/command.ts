import type { ProxyContainer, ProxyEngine, ExecResult } from '../engine.ts';
import { inTime } from '../../system/in-time.ts';

const EXEC_DEADLINE_MS = 30_000;
const DEFAULT_CONFIG = '/etc/caddy/Caddyfile';

/** The arguments that name the proxy's own configuration, taken from what the container runs. */
export function configArguments(command: readonly string[]): readonly string[] {
  const config = option(command, 'config', '-c') ?? DEFAULT_CONFIG;
  const adapter = option(command, 'adapter', '-a') ?? (/caddyfile/i.test(config) ? 'caddyfile' : null);
  return ['--config', config, ...(adapter === null ? [] : ['--adapter', adapter])];
}

function option(command: readonly string[], name: string, short: string): string | null {
  const spellings = [`--${name}`, `-${name}`, short];
  for (const [index, word] of command.entries()) {
    if (spellings.includes(word)) return command[index + 1] ?? null;
    const joined = spellings.find((spelling) => word.startsWith(`${spelling}=`));
    if (joined !== undefined) return word.slice(joined.length + 1);
  }
  return null;
}

/** Has Caddy adapt and validate the configuration on disk; the output holds the adapted JSON. */
export async function validate(engine: ProxyEngine, proxy: ProxyContainer): Promise<ExecResult> {
  return run(engine, proxy, ['caddy', 'adapt', '--validate', ...configArguments(proxy.command)]);
}

/** Has Caddy load the configuration on disk. */
export async function reload(engine: ProxyEngine, proxy: ProxyContainer): Promise<ExecResult> {
  return run(engine, proxy, ['caddy', 'reload', ...configArguments(proxy.command)]);
}

async function run(engine: ProxyEngine, proxy: ProxyContainer, argv: readonly string[]): Promise<ExecResult> {
  const what = `\`${argv.slice(0, 2).join(' ')}\` in ${proxy.name}`;
  return inTime(EXEC_DEADLINE_MS, what, 'proxy-unreachable', engine.exec(proxy.id, argv));
}
