import type { Color } from '../../core/color.ts';
import type { ComposeModel } from '../../core/project.ts';
import type { SourceFile } from '../sources.ts';
import type { ConfigFile } from './wiring.ts';

/** A proxy that can be added to a project. */
export type AddedProxy = 'caddy' | 'nginx';

/** Everything that a proposal is made from. */
export interface InitInput {
  /** As Compose resolves the files. */
  readonly model: ComposeModel;
  /** Services whose definition changes with the version already. */
  readonly versioned: ReadonlySet<string>;
  /** The project's folder, absolute. */
  readonly directory: string;
  /** Names of what is in it. */
  readonly taken: ReadonlySet<string>;
  /** The compose files, in the order in which Compose reads them; paths absolute. */
  readonly files: readonly SourceFile[];
  readonly overlays: Readonly<Record<Color, SourceFile | null>>;
  /** What is mounted into the proxies of the project. */
  readonly mounted: readonly (ConfigFile & { readonly service: string })[];
  /** Null: Caddy, where one is needed. */
  readonly proxy: AddedProxy | null;
  /** What a deploy is to replace; empty: what is found. */
  readonly services: readonly string[];
}

/** One change, and why it is needed. */
export interface Change {
  readonly file: string;
  readonly reason: string;
}

/** A file as it is, and as it would be. */
export interface FileChange {
  readonly file: string;
  /** Null if there is none yet. */
  readonly before: string | null;
  readonly after: string;
}

/** What would make a project one that deploys can work on. */
export interface Proposal {
  /** What was found, and what follows from it. */
  readonly notes: readonly string[];
  readonly changes: readonly Change[];
  readonly files: readonly FileChange[];
  /** What only a person can change safely, and how. */
  readonly byHand: readonly string[];
  /** What to do afterwards. */
  readonly next: readonly string[];
}

/** Why there is nothing to propose. */
export interface Refusal {
  readonly what: string;
  readonly next: string;
  readonly notes: readonly string[];
}

/** Stops the making of a proposal: caught where it is made, and nowhere else. */
export class Refused extends Error {
  readonly next: string;

  constructor(what: string, next: string) {
    super(what);
    this.next = next;
  }
}
