import { createHash } from 'node:crypto';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** `silent`: takes every connection and never says a word. `stalling`: begins to send a layer and never goes on. */
export type Failing = 'silent' | 'stalling';

/** A registry that has one image under every name and tag, of which nobody will ever get all (OCI distribution spec 1.1). */
export interface FailingRegistry {
  /** `127.0.0.1:4711`, as image names begin with. */
  readonly host: string;
  /** Resolves once somebody waits for an answer in vain. */
  readonly asked: Promise<void>;
  close(): Promise<void>;
}

const digest = (bytes: string): string => `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
const CONFIG = JSON.stringify({
  architecture: 'amd64',
  os: 'linux',
  rootfs: { type: 'layers', diff_ids: [digest('x')] },
});
const LAYER = digest('a layer');
const MANIFEST = JSON.stringify({
  schemaVersion: 2,
  mediaType: 'application/vnd.oci.image.manifest.v1+json',
  config: { mediaType: 'application/vnd.oci.image.config.v1+json', size: CONFIG.length, digest: digest(CONFIG) },
  layers: [{ mediaType: 'application/vnd.oci.image.layer.v1.tar+gzip', size: 1_000_000, digest: LAYER }],
});

export async function startRegistry(failing: Failing): Promise<FailingRegistry> {
  let resolveAsked: () => void = () => undefined;
  const asked = new Promise<void>((resolve) => (resolveAsked = resolve));
  const server = createServer((request, response) => {
    if (failing === 'silent') resolveAsked();
    else if (request.url?.endsWith(LAYER) === true) {
      response.writeHead(200, { 'content-length': '1000000' }).write('a begi');
      resolveAsked();
    } else answer(request.url ?? '', response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    host: `127.0.0.1:${String((server.address() as AddressInfo).port)}`,
    asked,
    close: () =>
      new Promise((resolve) => {
        server.close(() => {
          resolve();
        });
        server.closeAllConnections();
      }),
  };
}

function answer(url: string, response: ServerResponse): void {
  const [type, body] = url.includes('/manifests/')
    ? ['application/vnd.oci.image.manifest.v1+json', MANIFEST]
    : ['application/json', url.endsWith(digest(CONFIG)) ? CONFIG : '{}'];
  response
    .writeHead(200, { 'content-type': type, 'content-length': body.length, 'docker-content-digest': digest(body) })
    .end(body);
}
