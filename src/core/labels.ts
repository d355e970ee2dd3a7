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
} as const;

/** Local tag that keeps the image of a release from being deleted; only tags of this form are ever removed. */
export function pinnedTag(project: string, service: string, release: string): string {
  return `deploy-bg/${project}/${service}:${release}`;
}
