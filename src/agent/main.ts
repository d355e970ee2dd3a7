import { Command } from 'commander';
import { utimes, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { DeployError, messageOf } from '../core/errors.ts';
import { tend } from '../app/tend.ts';
import type { Ports } from '../app/ports.ts';
import { createContext } from '../cli/context.ts';
import { declareGlobalFlags, readGlobals } from '../cli/global-flags.ts';
import type { GlobalOptions } from '../cli/globals.ts';
import { processIo } from '../cli/io.ts';
import type { EventSink } from '../core/events.ts';
import { guardedBy, type TcpAccess, tcpAccess } from './access.ts';
import { createLog, type AgentLog } from './log.ts';
import { Metrics } from './metrics.ts';
import { type Answering, Orders, routes } from './routes.ts';
import { SocketServer, TcpServer } from './server.ts';
import { type Signs, tenderOf } from './tender.ts';
import { Updates } from './updates.ts';

/** How long after something went wrong it is tried again. */
const AGAIN_MS = 3_000;
const LONGEST_AGAIN_MS = 60_000;
/** How often the agent says that it lives, and looks whether it can be heard. */
const BEAT_MS = 10_000;
/** An agent that neither looks nor says anything for so long hangs, and its health check shall say so. */
const STUCK_MS = 1_800_000;
/** The container's health check looks at how old this file is. */
const ALIVE = join(tmpdir(), 'deploy-bg-alive');

export interface Program {
  readonly version: string;
  readonly executable: string;
}

/** The sidecar, until it is told to go; returns the exit code. */
export async function main(argv: readonly string[], program: Program): Promise<number> {
  const io = processIo(program.executable);
  const log = createLog(io.env['LOG_LEVEL'] ?? 'info');
  const leaving = untilTold();
  try {
    const tcp = tcpAccess(io.env);
    const metrics = new Metrics();
    const signs = { at: Date.now() };
    const emit: EventSink = (event) => {
      signs.at = Date.now();
      log.emit(event);
      metrics.emit(event);
    };
    const silent = { emit, outcome: () => undefined, failed: log.failed, settle: () => undefined };
    const context = await createContext(globalsOf(argv), silent, io, null);
    const secrets = [...context.ports.secrets, ...(tcp?.token == null ? [] : [tcp.token])];
    const prober = metrics.timed(context.ports.prober);
    const ports = { ...context.ports, prober, secrets, who: `deploy-bg-agent@${hostname()}`, leaving };
    const { stateDirectory } = context;
    await serve({ ports, log, metrics, signs, leaving, stateDirectory, tcp, version: program.version });
    log.logger.info('gone; what was under way goes on with the next start, or with the next command');
    return 0;
  } catch (error) {
    log.failed(error);
    return error instanceof DeployError ? error.exit : 1;
  }
}

/** The flags of every command decide which project is meant. */
function globalsOf(argv: readonly string[]): GlobalOptions {
  const program = new Command('deploy-bg-agent').description('Keeps a Compose project deployed.');
  declareGlobalFlags(program);
  program.parse([...argv], { from: 'user' });
  return readGlobals(program);
}

/** Fires when the container is stopped. */
function untilTold(): AbortSignal {
  const leaving = new AbortController();
  const leave = (): void => {
    leaving.abort();
  };
  process.once('SIGTERM', leave).once('SIGINT', leave);
  return leaving.signal;
}

interface Parts {
  readonly ports: Ports;
  readonly log: AgentLog;
  readonly metrics: Metrics;
  readonly signs: Signs;
  readonly leaving: AbortSignal;
  readonly stateDirectory: string;
  readonly tcp: TcpAccess | null;
  readonly version: string;
}

async function serve(parts: Parts): Promise<void> {
  const { ports, log, metrics, signs, leaving, stateDirectory, tcp, version } = parts;
  const since = new Date(ports.clock.now()).toISOString();
  const updates = new Updates(ports, log, metrics, leaving);
  const orders = new Orders();
  const answering = { ports, about: () => ({ version, since, next: updates.next }), metrics, orders, log };
  const server = new SocketServer(stateDirectory, routes(answering));
  log.logger.info({ version, listen: tcp?.address }, 'watching over the project');
  await Promise.all([
    again(parts, () => metrics.follow(ports, leaving)),
    again(parts, () => log.during(null, () => tend(ports, tenderOf({ log, metrics, updates, signs }), leaving))),
    tcp === null ? null : serveTcp(parts, tcp, answering),
    again(parts, async () => {
      await ports.store.prepare();
      await server.listen();
      if (ports.clock.now() < signs.at + STUCK_MS) await beat();
      await ports.clock.wait(BEAT_MS, leaving);
    }),
  ]);
  await Promise.all([updates.close(), orders.ended()]);
  await server.close();
}

/** An address that somebody else has is no reason to leave the project alone. */
async function serveTcp(parts: Parts, access: TcpAccess, answering: Answering): Promise<void> {
  const { ports, leaving } = parts;
  const server = new TcpServer(access.address, routes(answering, guardedBy(access)));
  await again(parts, async () => {
    await server.listen();
    await ports.clock.wait(BEAT_MS, leaving);
  });
  await server.close();
}

/** Until it is time to go; what goes wrong is said once, and tried again: each time in vain makes the wait longer. */
async function again(
  { ports, log, leaving }: Pick<Parts, 'ports' | 'log' | 'leaving'>,
  work: () => Promise<void>,
): Promise<void> {
  let said: string | null = null;
  let waitMs = AGAIN_MS;
  while (!leaving.aborted) {
    const began = ports.clock.now();
    try {
      await work();
      said = null;
    } catch (error) {
      // What worked for a while is a new matter.
      if (ports.clock.now() > began + LONGEST_AGAIN_MS) said = null;
      if (said !== messageOf(error)) log.failed(error);
      waitMs = said === messageOf(error) ? Math.min(LONGEST_AGAIN_MS, 2 * waitMs) : AGAIN_MS;
      said = messageOf(error);
      await ports.clock.wait(waitMs, leaving);
    }
  }
}

async function beat(): Promise<void> {
  const now = new Date();
  await utimes(ALIVE, now, now).catch(() => writeFile(ALIVE, '', { mode: 0o600 }));
}
