#!/usr/bin/env node
// Bundles and runs test/<name>/main.ts, with the words behind the name; needs an engine and a build (npm run build).
import { rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'esbuild';

const ROOT = resolve(import.meta.dirname, '..');
const [name] = process.argv.splice(2, 1);
// Beside the sources, so that paths relative to a module mean the same, and packages are found.
const OUT = join(ROOT, 'test', 'support', `.${name}.mjs`);

await build({
  absWorkingDir: ROOT,
  entryPoints: [`test/${name}/main.ts`],
  outfile: OUT,
  bundle: true,
  platform: 'node',
  format: 'esm',
  packages: 'external',
  logLevel: 'warning',
});
try {
  await import(pathToFileURL(OUT).href);
} finally {
  await rm(OUT, { force: true });
}
