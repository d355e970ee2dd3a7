import { readdir, readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { execa } from 'execa';
import { expect, it } from 'vitest';
import { programPath } from '../support/program.ts';

const ROOT = resolve(import.meta.dirname, '../..');

/** Every shell script of the folders that hold some. */
async function scripts(): Promise<readonly string[]> {
  const found = await Promise.all(
    ['scripts', 'examples', 'demo'].map(async (folder) => {
      const entries = await readdir(join(ROOT, folder), { recursive: true, withFileTypes: true });
      return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
    }),
  );
  const shell = await Promise.all(found.flat().map(isShell));
  return found.flat().filter((_, index) => shell[index]);
}

async function isShell(path: string): Promise<boolean> {
  return /^#!.*\b(ba)?sh\n/.test(await readFile(path, 'utf8'));
}

it('shellcheck finds nothing to warn of in any script', async () => {
  const shellcheck = await programPath('shellcheck');
  const paths = await scripts();
  expect(paths).toEqual(expect.arrayContaining([join(ROOT, 'scripts/test'), join(ROOT, 'examples/ci/deploy.sh')]));
  const { all } = await execa(shellcheck, ['--severity=warning', ...paths], { all: true, reject: false });
  expect(all).toBe('');
});
