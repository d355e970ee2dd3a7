import { createServer, type Server } from 'node:http';
import { answer, type App } from './endpoints.ts';
import { Faults } from './faults.ts';
import { Health } from './health.ts';
import { InFlight } from './inflight.ts';
import { Metrics } from './metrics.ts';
import { readSettings, type Settings } from './settings.ts';
import { Websockets } from './websockets.ts';

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

function counts({ inFlight, websockets }: App): string {
  return `${inFlight.count} requests and ${websockets()} websockets in flight`;
}

function die(app: App, code: number, why: string): void {
  say(`${why}: exit ${code}, cut ${counts(app)}`);
  process.exit(code);
}

/** Stops accepting, lets everything in flight end, and exits when the last connection is closed. */
function drain(http: Server, websockets: Websockets, app: App, controller: AbortController): void {
  if (app.draining.aborted) return;
  say(`SIGTERM: draining, ${counts(app)}`);
  controller.abort();
  app.inFlight.closeAfterAnswers();
  websockets.drain();
  const cutBefore = app.inFlight.cut;
  http.close(() => {
    say(`drained: cut ${app.inFlight.cut - cutBefore} requests`);
    process.exit(0);
  });
}

function scriptedDeath(app: App): void {
  const { exitAfter, diesAfterReady, readyAfter, exitCode } = app.settings;
  if (exitAfter !== undefined) setTimeout(die, exitAfter, app, exitCode, 'APP_EXIT_AFTER_MS');
  if (diesAfterReady !== undefined) {
    setTimeout(die, readyAfter + diesAfterReady, app, exitCode, 'APP_DIES_AFTER_READY_MS');
  }
}

function obeySignals(http: Server, websockets: Websockets, app: App, controller: AbortController): void {
  const stop = (signal: string): void => {
    const how = app.settings.onSigterm;
    if (how === 'drain') drain(http, websockets, app, controller);
    else if (how === 'exit') die(app, 0, signal);
    else say(`${signal}: ignored, ${counts(app)}`);
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
}

function makeServer(settings: Settings): Server {
  const http = createServer();
  http.keepAliveTimeout = settings.keepAlive;
  http.headersTimeout = settings.keepAlive + 1000;
  return http;
}

/** Starts the application. Signals are obeyed from the first moment on: as PID 1 they would do nothing otherwise. */
export function serve(env: NodeJS.ProcessEnv): void {
  const settings = readSettings(env);
  const http = makeServer(settings);
  const websockets = new Websockets(http, settings);
  const controller = new AbortController();
  const app: App = {
    settings,
    health: new Health(settings),
    inFlight: new InFlight(),
    metrics: new Metrics(settings.version),
    faults: new Faults(settings.failPercent),
    websockets: () => websockets.count,
    draining: controller.signal,
  };
  obeySignals(http, websockets, app, controller);
  for (let n = 1; n <= settings.logLines; n += 1) say(`line ${n} of ${settings.logLines}`);
  http.on('request', (request, response) => {
    answer(app, request, response).catch((error: unknown) => {
      say(`request failed: ${String(error)}`);
      response.destroy();
    });
  });
  scriptedDeath(app);
  http.listen(settings.port, () => {
    say(`listening on ${settings.port}: version ${settings.version} color ${settings.color || 'none'}`);
  });
}
