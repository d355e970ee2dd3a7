import { lookup } from 'node:dns/promises';
import { readdir, readFile } from 'node:fs/promises';
import { BlockList, isIPv6 } from 'node:net';
import { join } from 'node:path';
import { rootCertificates } from 'node:tls';
import type Docker from 'dockerode';
import * as z from 'zod';
import { ANSWER_DEADLINE_MS } from '../docker/connect.ts';
import type { Trust } from '../http/ask.ts';
import { inTime } from '../system/in-time.ts';

/** Where a registry's API is, and whom it has to be known by. The first that answers is the one. */
export interface RegistryPlace {
  readonly url: string;
  readonly trust: Trust;
}

const CERTIFICATES = '/etc/docker/certs.d';

/** What the engine was told of registries that it need not know (`docker info`, `RegistryConfig`). */
const registryConfig = z.object({
  InsecureRegistryCIDRs: z
    .array(z.string())
    .nullish()
    .transform((each) => each ?? []),
  IndexConfigs: z
    .record(z.string(), z.object({ Secure: z.boolean() }))
    .nullish()
    .transform((each) => each ?? {}),
});

/** As the engine goes there itself: by TLS, and without it only where the engine was told so, or on this machine. */
export async function registryPlaces(docker: Docker, domain: string): Promise<readonly RegistryPlace[]> {
  if (domain === 'docker.io') return [{ url: 'https://registry-1.docker.io', trust: {} }];
  const asked = docker.info() as Promise<{ RegistryConfig?: unknown }>;
  const info = await inTime(ANSWER_DEADLINE_MS, 'what the engine knows of registries', 'engine-unreachable', asked);
  const parsed = registryConfig.safeParse(info.RegistryConfig ?? {});
  const config = parsed.success ? parsed.data : registryConfig.parse({});
  if (!(await isInsecure(config, domain)))
    return [{ url: `https://${domain}`, trust: await trustOf(join(CERTIFICATES, domain)) }];
  return [
    { url: `https://${domain}`, trust: { anybody: true } },
    { url: `http://${domain}`, trust: {} },
  ];
}

async function isInsecure(config: z.output<typeof registryConfig>, domain: string): Promise<boolean> {
  const told = config.IndexConfigs[domain];
  if (told !== undefined) return !told.Secure;
  const list = new BlockList();
  for (const range of config.InsecureRegistryCIDRs) addRange(list, range);
  const host = domain.replace(/:\d+$/, '').replace(/^\[|\]$/g, '');
  const addresses = await lookup(host, { all: true }).catch(() => []);
  return addresses.some(({ address, family }) => list.check(address, family === 6 ? 'ipv6' : 'ipv4'));
}

function addRange(list: BlockList, range: string): void {
  const [network = '', bits = ''] = range.split('/');
  list.addSubnet(network, Number(bits), isIPv6(network) ? 'ipv6' : 'ipv4');
}

/** The engine's certificates for a registry, beside those that everybody trusts. */
async function trustOf(folder: string): Promise<Trust> {
  const names = (await readdir(folder).catch(() => [])).filter((name) => name.endsWith('.crt'));
  if (names.length === 0) return {};
  // One that this user may not read is as good as none: the handshake says what comes of it.
  const own = await Promise.all(names.map((name) => readFile(join(folder, name), 'utf8').catch(() => null)));
  return { ca: [...rootCertificates, ...own.filter((text) => text !== null)] };
}
