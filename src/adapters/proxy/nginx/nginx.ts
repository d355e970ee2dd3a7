import type { ExecResult } from '../engine.ts';
import type { NginxFeatures } from './features.ts';

/** An nginx that runs, wherever that is. */
export interface RunningNginx {
  /** Another one may be of another version: what this one has said of itself counts for it no more. */
  readonly id: string;
  /** Pid of its master, or of a process above it, where we can see processes. */
  readonly pid: number | null;
  /** Has it test the configuration on disk; the output names every file that is part of it. */
  test(): Promise<ExecResult>;
  /** What it can do, and what of the user's own it works by. */
  features(): Promise<NginxFeatures>;
  /** Has it work by the configuration on disk. */
  reload(): Promise<void>;
}

/** The nginx of a project: in a container of it, or on the machine itself. */
export interface Nginx {
  /** What people call it. */
  readonly name: string;
  /** As it runs now; null if it does not. */
  find(): Promise<RunningNginx | null>;
  /** The same, with our files in its reach. @throws proxy-unreachable, proxy-not-wired, not-possible */
  running(): Promise<RunningNginx>;
  /** Where it answers about itself. @throws as `running` does */
  answersAt(): Promise<readonly string[]>;
  /** Whether other projects have it as well. */
  readonly isShared: boolean;
  /** Where it reaches containers whose names it cannot look up; null where it asks by their names. */
  endpoints(): Promise<Endpoints | null>;
}

/** Address and port by which a port of a container is reached, `10.0.0.2:3000`; null if it is not. */
export type Endpoints = (container: string, port: number) => string | null;
