import { readFile, statfs } from 'node:fs/promises';
import type { HostResources } from '../../app/ports.ts';

/** What an engine says of its host. */
interface Said {
  readonly memoryBytes: number | null | undefined;
  readonly dataRoot: string | null | undefined;
}

/**
 * What is left of it can be seen only from the same machine, a container on it included. An engine that says the same
 * memory to the byte as our kernel is on it.
 */
export async function hostResources({ memoryBytes = null, dataRoot = null }: Said): Promise<HostResources> {
  const memory = await meminfo();
  const isHere = memoryBytes !== null && memory['MemTotal'] === memoryBytes;
  return {
    memoryBytes,
    availableBytes: isHere ? (memory['MemAvailable'] ?? null) : null,
    dataRoot,
    freeBytes: isHere && dataRoot !== null ? await freeIn(dataRoot) : null,
  };
}

/** Bytes by name; nothing where the kernel has no such file. */
async function meminfo(): Promise<Readonly<Record<string, number>>> {
  const text = await readFile('/proc/meminfo', 'utf8').catch(() => '');
  const lines = [...text.matchAll(/^(\w+):\s+(\d+) kB$/gm)];
  return Object.fromEntries(lines.map(([, name = '', amount]): [string, number] => [name, Number(amount) * 1024]));
}

/** Null for a folder that is not to be seen from here. */
async function freeIn(folder: string): Promise<number | null> {
  try {
    const { bavail, bsize } = await statfs(folder);
    return bavail * bsize;
  } catch {
    return null;
  }
}
