#!/usr/bin/env node
// Bundles and runs the benchmarks in test/bench; needs an engine and a build (npm run build).
import { rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'esbuild';

const ROOT = resolve(import.meta.dirname, '..');
const OUT = join(ROOT, 'test', 'support', '.bench.mjs');

// Beside the sources, so that paths relative to a module mean the same, and packages are found.
await build({
  absWorkingDir: ROOT,
  entryPoints: ['test/bench/main.ts'],
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
