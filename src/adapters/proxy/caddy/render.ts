import type { RouteState } from '../../../core/observed.ts';
import type { RenderedFile } from '../files.ts';
import { fill, fingerprint, type Template } from '../template.ts';
import { matchExpression } from './condition.ts';
import { matchedSlotNames, slotNames, SLOTS_LINK } from './slots.ts';

export const ROUTES_FILE = 'routes.caddy';
export const READ_BACK_FILE = 'read-back.caddy';
export const CONFIG_FILES: readonly string[] = [ROUTES_FILE, READ_BACK_FILE];
export const SOCKET_FOLDER = 'run';
export const SOCKET_FILE = 'read-back.sock';

/** Stands for the digest while the digest is made. */
export const NO_DIGEST = '0'.repeat(16);

/** Everything besides the routes that the generated configuration depends on. */
export interface CaddyMeta {
  readonly project: string;
  /** Folder of the generated files as Caddy sees it. */
  readonly directory: string;
  readonly templates: { readonly routes: Template; readonly readBack: Template };
}

export interface CaddyConfig {
  readonly files: readonly RenderedFile[];
  /** What the read-back answers once exactly these files are loaded. */
  readonly digest: string;
}

/** The generated configuration. Pure; backends are not in it, so that a switch does not change it. */
export function renderCaddy(routes: readonly RouteState[], meta: CaddyMeta): CaddyConfig {
  const view = { project: meta.project, directory: meta.directory, routes: viewRoutes(routes, meta.directory) };
  const content = fill(meta.templates.routes, view);
  const socket = `${meta.directory}/${SOCKET_FOLDER}/${SOCKET_FILE}`;
  const readBack = fill(meta.templates.readBack, { ...view, digest: NO_DIGEST, socket });
  const digest = fingerprint([content, readBack]);
  return {
    digest,
    files: [
      { file: ROUTES_FILE, content },
      { file: READ_BACK_FILE, content: readBack.replace(NO_DIGEST, digest) },
    ],
  };
}

/** The folder that an adapted configuration dials from, if a site imports the route. */
export function dialled(directory: string, service: string): string {
  return `tcp/{file.${directory}/${SLOTS_LINK}/${service}/`;
}

/** What a configuration evaluates to tell requests that match. */
export function matching(directory: string, service: string): string {
  return matchExpression(`${directory}/${SLOTS_LINK}/${service}/match`);
}

function viewRoutes(routes: readonly RouteState[], directory: string): readonly object[] {
  return routes.toSorted(bySpecificity).map(({ service, host, path, sticky }) => {
    const folder = `${directory}/${SLOTS_LINK}/${service}`;
    return {
      service,
      host,
      path,
      matched: host !== null || path !== null,
      state: `{file.${folder}/state}`,
      backends: `{file.${folder}/backends}`,
      slots: slotNames().map((slot) => `{file.${folder}/${slot}}`),
      match: matching(directory, service),
      condition: `{file.${folder}/match}`,
      matchedBackends: `{file.${folder}/matched}`,
      sticky: sticky === undefined ? null : { cookie: sticky.cookie, maxAge: `${Math.round(sticky.maxAgeMs / 1000)}s` },
      sticking: `{file.${folder}/sticking}`,
      sides: `{file.${folder}/sticky}`,
      matchedSlots: matchedSlotNames().map((slot) => `{file.${folder}/${slot}}`),
    };
  });
}

/** The first that matches is taken: named hosts before wildcards before any, then longer paths first. */
function bySpecificity(a: RouteState, b: RouteState): number {
  return hostRank(b.host) - hostRank(a.host) || (b.path?.length ?? 0) - (a.path?.length ?? 0);
}

function hostRank(host: string | null): number {
  if (host === null) return 0;
  return host.startsWith('*.') ? host.length : 1000 + host.length;
}
