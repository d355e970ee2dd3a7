#!/usr/bin/env node
// Bundles what is there into dist/: the CLI, the demo application with its Dockerfile, the load generator.
import { chmod, copyFile, mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { build } from 'esbuild';
import Handlebars from 'handlebars';

const ROOT = resolve(import.meta.dirname, '..');
const DIST = join(ROOT, 'dist');
// For a package: nothing of earlier builds.
const CLEAN = process.argv.includes('--clean');

// Packages in CommonJS call require() for Node's own modules, which an ESM bundle does not have.
const REQUIRE = [
  "import { createRequire as createRequireOfBundle } from 'node:module';",
  'const require = createRequireOfBundle(import.meta.url);',
].join('\n');

const COMMON = {
  absWorkingDir: ROOT,
  bundle: true,
  platform: 'node',
  target: 'node20.19',
  format: 'esm',
  sourcemap: true,
  minify: false,
  legalComments: 'none',
  logLevel: 'warning',
  metafile: true,
};

// dockerode loads these at import, for builds, sessions of BuildKit and ssh hosts. We use none of these, and they
// are six sevenths of the bundle and more than half of the start-up. Whoever calls one is told so.
const UNUSED = /^(@grpc\/.*|ssh2|cpu-features|protobufjs|tar-fs|@balena\/dockerignore)$/;
const STUB = `
const missing = (name) => function () { throw new Error('MODULE.' + name + ' is not part of this bundle'); };
module.exports = new Proxy({}, {
  get: (_, name) => (typeof name === 'symbol' || name === '__esModule' ? undefined : missing(name)),
});`;

const stubUnused = {
  name: 'stub-unused',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: UNUSED }, ({ path }) => ({ path, namespace: 'stub' }));
    onLoad({ filter: /.*/, namespace: 'stub' }, ({ path }) => ({
      contents: STUB.replace('MODULE', path),
      loader: 'js',
    }));
  },
};

// Node has its own of the one; Handlebars goes on without the other.
const REPLACED = {
  'readable-stream': "module.exports = require('node:stream');",
  'source-map': "throw new Error('there are no source maps of templates');",
};

const replace = {
  name: 'replace',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^(readable-stream|source-map)$/ }, ({ path }) => ({ path, namespace: 'replaced' }));
    onLoad({ filter: /.*/, namespace: 'replaced' }, ({ path }) => ({ contents: REPLACED[path] }));
  },
};

/** In the place of src/adapters/proxy/packaged.ts: the packaged templates, compiled. */
const templates = {
  name: 'templates',
  setup({ onLoad }) {
    onLoad({ filter: /adapters[/\\]proxy[/\\]packaged\.ts$/ }, async ({ path }) => ({
      contents: await compiledTemplates(),
      resolveDir: dirname(path),
    }));
  },
};

async function compiledTemplates() {
  const folder = join(ROOT, 'templates');
  const names = (await readdir(folder, { recursive: true })).filter((name) => name.endsWith('.hbs'));
  const compiled = await Promise.all(
    names.map(async (name) => {
      const text = await readFile(join(folder, name), 'utf8');
      // Like TEMPLATE_OPTIONS in src/adapters/proxy/compile-template.ts.
      const code = Handlebars.precompile(text, { strict: true, noEscape: true });
      return `${JSON.stringify(name.replaceAll('\\', '/'))}: ${String(code)},`;
    }),
  );
  return `import Handlebars from 'handlebars/runtime.js';
    const COMPILED = { ${compiled.join('\n')} };
    export async function packagedTemplate(path) {
      const render = Handlebars.template(COMPILED[path]);
      return (view) => render(view);
    }`;
}

const STALE_AFTER_MS = 3_600_000;

/** Chunks have their hash in the name: those of earlier builds would pile up. A deploy that runs may still need recent ones. */
async function removeStale(outputs, folder) {
  const current = new Set(outputs.map((path) => relative(folder, join(ROOT, path))));
  const names = (await readdir(folder)).filter((name) => /^chunk-.*\.js(\.map)?$/.test(name) && !current.has(name));
  for (const name of names) {
    const { mtimeMs } = await stat(join(folder, name));
    if (CLEAN || Date.now() - mtimeMs > STALE_AFTER_MS) await rm(join(folder, name));
  }
}

async function buildCli(entry) {
  const source = await readFile(join(ROOT, entry), 'utf8');
  const hashbang = source.startsWith('#!') ? '' : '#!/usr/bin/env node\n';
  const { metafile } = await build({
    ...COMMON,
    entryPoints: [entry],
    outdir: 'dist',
    splitting: true,
    // All in one folder: ../templates is the same for every chunk.
    chunkNames: 'chunk-[name]-[hash]',
    banner: { js: hashbang + REQUIRE },
    plugins: [stubUnused, replace, templates],
  });
  await removeStale(Object.keys(metafile.outputs), DIST);
  await chmod(join(DIST, 'docker-deploy-bg.js'), 0o755);
}

/** All that the agent's image has beside Node and docker: a folder of its own, with the command in it as well. */
async function buildAgent(entry) {
  const folder = join(DIST, 'agent');
  const { metafile } = await build({
    ...COMMON,
    sourcemap: false,
    entryPoints: [entry, 'cmd/docker-deploy-bg.ts'],
    outdir: folder,
    splitting: true,
    chunkNames: 'chunk-[name]-[hash]',
    banner: { js: REQUIRE },
    plugins: [stubUnused, replace, templates],
  });
  await removeStale(Object.keys(metafile.outputs), folder);
  await writeFile(join(folder, 'package.json'), '{ "type": "module" }\n');
  await copyFile(join(ROOT, 'src/agent/Dockerfile'), join(folder, 'Dockerfile'));
}

/** One file, so that an image is this file on top of Node; without splitting, import() stays lazy inside of it. */
async function buildApp(entry) {
  const folder = join(DIST, 'demo/app');
  await build({ ...COMMON, entryPoints: [entry], outfile: join(folder, 'server.js'), banner: { js: REQUIRE } });
  await writeFile(join(folder, 'package.json'), '{ "type": "module" }\n');
  await copyFile(join(ROOT, 'demo/app/Dockerfile'), join(folder, 'Dockerfile'));
}

async function buildLoad(entry) {
  await build({ ...COMMON, entryPoints: [entry], outfile: join(DIST, 'demo/load.js'), banner: { js: REQUIRE } });
}

const TARGETS = [
  ['cmd/docker-deploy-bg.ts', buildCli],
  ['cmd/deploy-bg-agent.ts', buildAgent],
  ['demo/app/server.ts', buildApp],
  ['demo/load/main.ts', buildLoad],
];

/** One that does not build says so and leaves the others usable; esbuild has printed why. */
async function makeTarget([entry, make]) {
  if (!existsSync(join(ROOT, entry))) return console.error(`build: there is no ${entry} yet`);
  try {
    await make(entry);
  } catch (error) {
    console.error(`build: ${entry}: ${error.message.split('\n', 1)[0]}`);
    process.exitCode = 1;
  }
}

await mkdir(DIST, { recursive: true });
for (const target of TARGETS) await makeTarget(target);
