import type { Block, Directive, Placed } from './nginx-text.ts';
import type { ConfigFile, Sending } from './wiring.ts';

/** A file of nginx, and all directives in it. */
export interface Parsed extends ConfigFile {
  readonly block: Block;
  readonly all: readonly Placed[];
}

/** A `proxy_pass` to a service of the project. */
export interface Pass extends Sending {
  readonly file: Parsed;
  readonly location: Directive | null;
  readonly server: Directive | null;
  readonly above: readonly Directive[];
  /** What stands behind host and port; null if nothing does. */
  readonly uri: string | null;
  readonly scheme: string;
  /** Of the upstream that stands between; null without one. */
  readonly upstream: string | null;
}

/** An `upstream` of the user's own. */
export interface Upstream {
  readonly file: Parsed;
  readonly directive: Directive;
  readonly servers: readonly string[];
}

/** All that is known of nginx's files. */
export interface Known {
  readonly parsed: readonly Parsed[];
  readonly passes: readonly Pass[];
  readonly upstreams: ReadonlyMap<string, Upstream>;
  readonly names: ReadonlyMap<string, string>;
  readonly problems: readonly string[];
}
