import { readFile, stat } from 'node:fs/promises';
import { dirname, join, relative, resolve } from 'node:path';
import type { SourceFile } from '../../config/sources.ts';
import { COLORS, type Color } from '../../core/color.ts';
import { DeployError } from '../../core/errors.ts';
import type { ComposeOptions } from './options.ts';

/** Compose's own names, in its order of preference (compose-go, `DefaultFileNames`). */
const BASE_NAMES = ['compose.yaml', 'compose.yml', 'docker-compose.yml', 'docker-compose.yaml'];
const OVERRIDE_NAMES = [
  'compose.override.yml',
  'compose.override.yaml',
  'docker-compose.override.yml',
  'docker-compose.override.yaml',
];

/** The user's files of a project. */
export interface UserFiles {
  /** The project directory, absolute. */
  readonly directory: string;
  /** In the order of their `-f`. */
  readonly sources: readonly SourceFile[];
  readonly overlays: Readonly<Record<Color, SourceFile | null>>;
}

/**
 * Finds the files that Compose will read. Only their places and text are used, for messages and overlays: what is read
 * is Compose's decision.
 */
export async function userFiles(options: ComposeOptions): Promise<UserFiles> {
  if (options.files.includes('-'))
    throw new DeployError('invalid-usage', {
      what: 'a compose file on standard input cannot be deployed: it is read again',
    });
  const paths = await composeFiles(options);
  const base = paths[0] ?? join(options.cwd, 'compose.yml');
  const directory = resolve(options.cwd, options.projectDirectory ?? dirname(base));
  const sources = await Promise.all(paths.map((path) => source(path, options.cwd)));
  const [blue, green] = await Promise.all(COLORS.map((color) => overlay(dirname(base), color, options.cwd)));
  return {
    directory,
    sources: sources.filter((each) => each !== null),
    overlays: { blue: blue ?? null, green: green ?? null },
  };
}

async function composeFiles(options: ComposeOptions): Promise<readonly string[]> {
  if (options.files.length > 0) return options.files.map((file) => resolve(options.cwd, file));
  const named = await fromEnvironment(options);
  return (
    named ??
    discovered(options.projectDirectory === undefined ? options.cwd : resolve(options.cwd, options.projectDirectory))
  );
}

/** `COMPOSE_FILE` of the environment, else of the env files. */
async function fromEnvironment(options: ComposeOptions): Promise<readonly string[] | null> {
  const envFiles = options.envFiles.length > 0 ? options.envFiles : ['.env'];
  const texts = await Promise.all(envFiles.map((file) => readText(resolve(options.cwd, file))));
  const setting = (name: string) =>
    options.env[name] ??
    texts
      .map((text) => new RegExp(`^\\s*(?:export\\s+)?${name}=["']?([^"'\\n]*)`, 'm').exec(text ?? '')?.[1])
      .findLast((value) => value !== undefined);
  const value = setting('COMPOSE_FILE');
  if (value === undefined || value === '') return null;
  return value.split(setting('COMPOSE_PATH_SEPARATOR') ?? ':').map((file) => resolve(options.cwd, file.trim()));
}

/** As Compose does: the first base file here or in a folder above, and its override beside it. */
async function discovered(from: string): Promise<readonly string[]> {
  for (let folder = from; ; folder = dirname(folder)) {
    const base = await firstOf(folder, BASE_NAMES);
    if (base !== null) {
      const override = await firstOf(folder, OVERRIDE_NAMES);
      return override === null ? [base] : [base, override];
    }
    if (folder === dirname(folder)) return [];
  }
}

async function firstOf(folder: string, names: readonly string[]): Promise<string | null> {
  const found = await Promise.all(names.map((name) => isFile(join(folder, name))));
  const name = names[found.indexOf(true)];
  return name === undefined ? null : join(folder, name);
}

async function isFile(path: string): Promise<boolean> {
  return stat(path).then(
    (entry) => entry.isFile(),
    () => false,
  );
}

async function overlay(folder: string, color: Color, cwd: string): Promise<SourceFile | null> {
  const path = await firstOf(folder, [`compose.${color}.yml`, `compose.${color}.yaml`]);
  return path === null ? null : source(path, cwd);
}

async function source(path: string, cwd: string): Promise<SourceFile | null> {
  const text = await readText(path);
  const shown = relative(cwd, path);
  return text === null ? null : { path: shown.startsWith('..') ? path : shown, text };
}

async function readText(path: string): Promise<string | null> {
  return readFile(path, 'utf8').catch(() => null);
}
