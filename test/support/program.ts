import { resolve } from 'node:path';
import { execa } from 'execa';

/** The path of a program that tests run, which is fetched where the machine does not have it. */
export async function programPath(name: 'docker-registry' | 'nginx' | 'shellcheck' | 'sshd'): Promise<string> {
  const { stdout } = await execa(resolve(import.meta.dirname, '../../scripts/program'), [name]);
  return stdout;
}
