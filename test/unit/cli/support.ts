import { PassThrough } from 'node:stream';
import type { StatusView } from '../../../src/app/status-view.ts';
import type { GlobalOptions } from '../../../src/cli/globals.ts';
import type { Io, Output } from '../../../src/cli/io.ts';

/** Keeps what is written to it. */
export class FakeOutput implements Output {
  readonly chunks: string[] = [];
  isTTY: boolean | undefined;
  columns: number | undefined;
  rows: number | undefined;

  write(text: string): void {
    this.chunks.push(text);
  }

  get text(): string {
    return this.chunks.join('');
  }

  get lines(): string[] {
    return this.text.split('\n').filter((line) => line !== '');
  }
}

export interface FakeIo extends Io {
  readonly stdout: FakeOutput;
  readonly stderr: FakeOutput;
  now: () => number;
}

/** 14:03:07 UTC; tests set TZ. */
export const NOON = Date.UTC(2026, 0, 2, 14, 3, 7);

export function fakeIo(env: Record<string, string> = {}, change: Partial<Io> = {}): FakeIo {
  return {
    stdin: new PassThrough(),
    stdout: new FakeOutput(),
    stderr: new FakeOutput(),
    env: { LANG: 'C.UTF-8', ...env },
    cwd: '/work',
    executable: '/opt/docker-deploy-bg.js',
    now: () => NOON,
    ...change,
  } as FakeIo;
}

export const GLOBALS: GlobalOptions = {
  docker: {
    config: null,
    context: null,
    host: null,
    logLevel: null,
    tls: false,
    tlsVerify: false,
    tlsCaCert: null,
    tlsCert: null,
    tlsKey: null,
  },
  compose: { files: [], projectName: null, envFiles: [], profiles: [], projectDirectory: null },
  progress: 'auto',
  ansi: 'auto',
  yes: false,
  debug: false,
};

const MINUTE = 60_000;

/** A project in which everything is as it should be. */
export const STATUS: StatusView = {
  project: 'shop',
  at: NOON,
  live: { color: 'green', version: 'v2', release: 'r-0002', since: NOON - 3 * MINUTE },
  services: [
    {
      name: 'web',
      placement: 'colored',
      color: 'green',
      wanted: 2,
      running: 2,
      ready: 2,
      image: 'registry.example.com/shop/web:v2',
      version: 'v2',
      ageMs: 3 * MINUTE,
      weight: 100,
      weightSource: 'proxy',
      notes: [],
    },
    {
      name: 'api',
      placement: 'colored',
      color: 'green',
      wanted: 2,
      running: 2,
      ready: 1,
      image: 'registry.example.com/shop/api:v2',
      version: 'v2',
      ageMs: 3 * MINUTE,
      weight: null,
      weightSource: null,
      notes: ['shop-green-api-green-2: unhealthy, connection refused'],
    },
  ],
  shared: [
    {
      name: 'db',
      wanted: 1,
      running: 1,
      ready: 1,
      image: 'postgres:17',
      ageMs: 12 * 24 * 60 * MINUTE,
      notes: [],
    },
  ],
  router: { driver: 'caddy', readable: true, reason: null },
  lastRollout: {
    id: 'd-7',
    verb: 'deploy',
    state: 'completed',
    pauseReason: null,
    message: null,
    from: 'v1',
    to: 'v2',
    startedAt: NOON - 3 * MINUTE - 12_100,
    downMs: null,
    endedAt: NOON - 3 * MINUTE,
    step: null,
  },
  inFlight: null,
  leftovers: [],
  disagreements: [],
  exit: 0,
};
