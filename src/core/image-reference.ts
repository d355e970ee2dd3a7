/** The parts of an image's name as Docker understands it (distribution/reference). */
export interface ImageReference {
  /** Host and port of the registry; `docker.io` where none is named. */
  readonly domain: string;
  /** Repository within the registry: `library/nginx`, `shop/web`. */
  readonly path: string;
  /** `latest` where none is named. */
  readonly tag: string;
  /** `sha256:…`; null if the name has none. */
  readonly digest: string | null;
}

const DOCKER_HUB = 'docker.io';
const OLD_DOCKER_HUB = 'index.docker.io';

/** Takes a valid name apart; what is no name comes back as one that no registry has. */
export function parseImage(text: string): ImageReference {
  const [name = '', digest = null] = text.split('@', 2);
  const colon = name.lastIndexOf(':');
  const hasTag = colon > name.lastIndexOf('/');
  const repository = hasTag ? name.slice(0, colon) : name;
  return { ...placeOf(repository), tag: hasTag ? name.slice(colon + 1) : 'latest', digest };
}

/** The first part is a registry if it looks like a host: with a dot or a port, or `localhost`. */
function placeOf(repository: string): Pick<ImageReference, 'domain' | 'path'> {
  const slash = repository.indexOf('/');
  const first = repository.slice(0, Math.max(slash, 0));
  const isHost = /[.:]/.test(first) || first === 'localhost';
  const path = isHost ? repository.slice(slash + 1) : repository;
  if (isHost && first !== DOCKER_HUB && first !== OLD_DOCKER_HUB) return { domain: first, path };
  return { domain: DOCKER_HUB, path: path.includes('/') ? path : `library/${path}` };
}
