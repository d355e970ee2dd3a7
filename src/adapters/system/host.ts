import { readFile, statfs } from 'node:fs/promises';
import { constants } from 'node:os';
import { join } from 'node:path';
import type { Host } from '../../app/ports.ts';
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
}

function mask(status: string, name: string): bigint | null {
  const hex = new RegExp(`^${name}:\\s*([0-9a-f]+)$`, 'm').exec(status)?.[1];
  return hex === undefined ? null : BigInt(`0x${hex}`);
}
