import { readdir, readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { expect, it } from 'vitest';

const ROOT = resolve(import.meta.dirname, '../..');
const folders = (await readdir(join(ROOT, 'examples'), { withFileTypes: true }))
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => name);

it.each(folders)('examples/%s says what to type, and stands in the README', async (folder) => {
  expect(await readFile(join(ROOT, 'examples', folder, 'README.md'), 'utf8')).toMatch(/^```sh\n/m);
  expect(await readFile(join(ROOT, 'README.md'), 'utf8')).toContain(`](examples/${folder}/README.md)`);
});
