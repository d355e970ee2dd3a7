import { olderThan } from '../version.ts';

/** What the running nginx can do that older ones cannot. */
export interface NginxFeatures {
  /** From 1.27.4 on; null where it is not known. */
  readonly keepaliveMinTimeout: string | null;
  /** `server NAME resolve` outside of the commercial edition: from 1.27.3 on. */
  readonly resolve: boolean;
  /** `userid_flags`: from 1.19.3 on. */
  readonly cookieFlags: boolean;
  /**
   * The user's own files say what is shown instead of an error. A location of ours with a page for one error would
   * inherit none of them (ngx_http_core_module, `error_page`), so that it has none then.
   */
  readonly ownPages: boolean;
}

/** What an nginx can do by its version alone. */
export type VersionFeatures = Omit<NginxFeatures, 'ownPages'>;

export const KEEPALIVE_MIN_TIMEOUT_MS = 2000;

const OF_EVERY_VERSION: VersionFeatures = { keepaliveMinTimeout: null, resolve: false, cookieFlags: false };

/** What every nginx can do; also what is written before the first one can be asked. */
export const OLDEST: NginxFeatures = { ...OF_EVERY_VERSION, ownPages: true };

/** By the output of `nginx -v`. */
export function featuresOf(output: string): VersionFeatures {
  const version = /nginx\/(\d+)\.(\d+)\.(\d+)/.exec(output)?.slice(1).map(Number);
  if (version === undefined) return OF_EVERY_VERSION;
  return {
    keepaliveMinTimeout: olderThan(version, [1, 27, 4]) ? null : `${KEEPALIVE_MIN_TIMEOUT_MS / 1000}s`,
    resolve: !olderThan(version, [1, 27, 3]),
    cookieFlags: !olderThan(version, [1, 19, 3]),
  };
}

/** What about an nginx without some of it will cost something; one that asks by addresses follows no names anyway. */
export function nginxWarnings(
  { keepaliveMinTimeout, resolve }: NginxFeatures,
  byName: boolean,
): readonly { readonly code: string; readonly message: string; readonly hint: string }[] {
  const hint = `use nginx 1.27.4 or later: ${byName ? 'nginx:stable and nginx:mainline both are' : 'nginx.org has packages of it'}`;
  return [
    ...(keepaliveMinTimeout === null
      ? [{ code: 'W06', message: 'this nginx resets idle client connections at each switch', hint }]
      : []),
    ...(resolve || !byName
      ? []
      : [{ code: 'W06', message: 'this nginx cannot follow names by itself: requests take one hop more', hint }]),
  ];
}
