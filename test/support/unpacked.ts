import { resolve } from 'node:path';
import { execa } from 'execa';

/** The path of a program of a Debian package, which is fetched where the machine does not have it. */
export async function unpacked(name: string, path: string): Promise<string> {
  const { stdout } = await execa(resolve(import.meta.dirname, '../../scripts/unpacked'), [name, path]);
  return stdout;
}
