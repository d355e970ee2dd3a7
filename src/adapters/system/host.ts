import { readFile, statfs } from 'node:fs/promises';
import { constants } from 'node:os';
import { join } from 'node:path';
import type { Host, HostMemory } from '../../app/ports.ts';
import { isHeard } from '../../core/doctor.ts';

/** This machine, by its kernel. */
export class LinuxHost implements Host {
  readonly #proc: string;

  constructor(proc = '/proc') {
    this.#proc = proc;
  }

  async hears(pid: number, signal: string): Promise<boolean | null> {
    const text = await readFile(join(this.#proc, String(pid), 'status'), 'utf8').catch(() => '');
    const number = (constants.signals as Readonly<Record<string, number | undefined>>)[signal] ?? Number(signal);
    const [caught, blocked] = [mask(text, 'SigCgt'), mask(text, 'SigBlk')];
    return caught === null || blocked === null || !(number > 0) ? null : isHeard({ caught, blocked }, number);
  }

  async freeBytes(path: string): Promise<number | null> {
    return statfs(path).then(
      ({ bavail, bsize }) => bavail * bsize,
      () => null,
    );
  }

  async memory(): Promise<HostMemory | null> {
    const text = await readFile(join(this.#proc, 'meminfo'), 'utf8').catch(() => '');
    const [totalBytes, availableBytes] = [amount(text, 'MemTotal'), amount(text, 'MemAvailable')];
    return totalBytes === null || availableBytes === null ? null : { totalBytes, availableBytes };
  }
}

/** Bytes of a line of /proc/meminfo. */
function amount(meminfo: string, name: string): number | null {
  const kilobytes = new RegExp(`^${name}:\\s*(\\d+) kB$`, 'm').exec(meminfo)?.[1];
  return kilobytes === undefined ? null : Number(kilobytes) * 1024;
}

function mask(status: string, name: string): bigint | null {
  const hex = new RegExp(`^${name}:\\s*([0-9a-f]+)$`, 'm').exec(status)?.[1];
  return hex === undefined ? null : BigInt(`0x${hex}`);
}
