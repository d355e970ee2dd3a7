/** Labels on every container of a color; in-place and shared containers carry none of them (DESIGN section 3). */
export const LABEL = {
  project: 'deploy-bg.project',
  store: 'deploy-bg.store',
  color: 'deploy-bg.color',
  release: 'deploy-bg.release',
  rollout: 'deploy-bg.rollout',
  service: 'deploy-bg.service',
} as const;

/** Labels that Compose itself puts on what it creates. */
export const COMPOSE_LABEL = {
  project: 'com.docker.compose.project',
  service: 'com.docker.compose.service',
  number: 'com.docker.compose.container-number',
  oneoff: 'com.docker.compose.oneoff',
  configHash: 'com.docker.compose.config-hash',
  configFiles: 'com.docker.compose.project.config_files',
} as const;

/** File of a release in its folder from which its containers in the user's own project are made. */
export const BASE_FILE = 'compose.yaml';

/**
 * The release that a container in place was made from, by the path of its Compose file (DESIGN section 3: this label is
 * not hashed, so that plain Compose finds nothing to do). Null for one that `docker compose up` made.
 */
export function releaseInPlace(configFiles: string | undefined): string | null {
  const path = configFiles?.split('/') ?? [];
  const [folder, release, file] = path.slice(-3);
  return folder === 'releases' && file === BASE_FILE ? (release ?? null) : null;
}

/** Local tag that keeps the image of a release from being deleted; only tags of this form are ever removed. */
export function pinnedTag(project: string, service: string, release: string): string {
  return `${pinnedPrefix(project)}${repositoryPart(service)}:${release}`;
}

/** What the pinned tags of a project begin with. */
export function pinnedPrefix(project: string): string {
  return `deploy-bg/${repositoryPart(project)}/`;
}

/** Compose takes names (`Web`, `my_`) that no repository can have: those are spelled in hexadecimal. */
function repositoryPart(name: string): string {
  if (/^[a-z\d]+(?:(?:\.|__?|-+)[a-z\d]+)*$/.test(name)) return name;
  return `x-${Array.from(name, (each) => each.charCodeAt(0).toString(16)).join('')}`;
}
