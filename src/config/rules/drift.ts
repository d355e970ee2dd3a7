import type { ObservedContainer } from '../../core/observed.ts';
import type { Diagnostic, Project } from '../../core/project.ts';

/**
 * W07: shared services that run otherwise than the files say; a deploy does not touch them.
 * @param hashes Compose's config-hash of each service as the files are now
 */
export function sharedDrift(
  project: Project,
  hashes: Readonly<Record<string, string>>,
  containers: readonly ObservedContainer[],
): readonly Diagnostic[] {
  const drifted = Object.values(project.services).filter(
    ({ name, placement }) =>
      placement === 'shared' && containers.some((each) => isReplica(each, name) && differs(each, hashes[name])),
  );
  return drifted.map(({ name }) => ({
    code: 'W07',
    message: `the shared service ${name} runs otherwise than the compose files say, and a deploy does not touch it`,
    hint: `to bring it up to date: ${project.version === '' ? '' : `VERSION=${project.version} `}docker compose up -d --no-deps ${name}`,
    file: null,
    line: null,
  }));
}

function isReplica(container: ObservedContainer, service: string): boolean {
  return container.service === service && container.color === null && !container.oneOff;
}

function differs(container: ObservedContainer, hash: string | undefined): boolean {
  return hash !== undefined && container.configHash !== null && container.configHash !== hash;
}
