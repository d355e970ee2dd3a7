import type { DeployOptions } from '../app/deploy.ts';
import type { LogsOptions } from '../app/logs.ts';
import type { UpdateOptions } from '../app/update.ts';
import type { GlobalOptions } from './globals.ts';

export type Shell = 'bash' | 'zsh' | 'fish';

/** A verb that steers a rollout, and runs it on where no other process does. */
export interface Steered {
  readonly timeoutMs: number | null;
}

/** A moment, or how long ago. */
export type Since = { readonly at: number } | { readonly agoMs: number };

export function momentOf(since: Since, now: number): number {
  return 'at' in since ? since.at : now - since.agoMs;
}

/** The options of every command, parsed and validated. */
export interface CommandOptions {
  readonly deploy: DeployOptions;
  readonly plan: Pick<DeployOptions, 'version' | 'services' | 'pull' | 'build' | 'force' | 'takeOver'> & {
    readonly json: boolean;
  };
  readonly update: UpdateOptions;
  readonly systemd: { readonly dir: string | null; readonly schedule: string | null };
  readonly agent: {
    readonly action: 'init' | 'status' | 'logs';
    readonly print: boolean;
    /** An address that `init` has the agent listen at; null: none. */
    readonly listen: string | null;
    /** With the token of those who may ask there; null: nobody but this machine. */
    readonly tokenFile: string | null;
    readonly json: boolean;
    readonly follow: boolean;
  };
  readonly status: { readonly json: boolean; readonly exitCode: boolean; readonly watch: boolean };
  readonly rollback: { readonly to: string | null; readonly timeoutMs: number | null };
  readonly promote: { readonly full: boolean; readonly timeoutMs: number | null };
  readonly pause: Steered;
  readonly resume: Steered;
  readonly abort: Steered;
  readonly retry: Steered;
  readonly cleanup: { readonly dryRun: boolean };
  readonly reset: { readonly force: boolean };
  readonly history: { readonly json: boolean; readonly timeline: boolean };
  readonly events: {
    readonly json: boolean;
    readonly follow: boolean;
    readonly rollout: string | null;
    readonly since: Since | null;
  };
  readonly logs: Omit<LogsOptions, 'since'> & { readonly json: boolean; readonly since: Since | null };
  readonly init: {
    /** The proxy to be added where there is none; null: whichever suits. */
    readonly proxy: 'caddy' | 'nginx' | null;
    /** What a deploy is to replace; empty: what is found. */
    readonly services: readonly string[];
    readonly dryRun: boolean;
    readonly json: boolean;
  };
  readonly lint: {
    readonly version: string | null;
    readonly strict: boolean;
    readonly json: boolean;
    readonly schema: boolean;
  };
  readonly doctor: { readonly strict: boolean; readonly json: boolean };
  readonly install: { readonly shim: boolean; readonly uninstall: boolean; readonly dir: string | null };
  readonly completion: { readonly shell: Shell };
  readonly 'shell-init': { readonly shell: Shell };
  readonly version: Readonly<Record<string, never>>;
}

export type CommandName = keyof CommandOptions;

/** One command line, understood. */
export type Invocation = {
  readonly [K in CommandName]: {
    readonly command: K;
    readonly options: CommandOptions[K];
    readonly globals: GlobalOptions;
  };
}[CommandName];
