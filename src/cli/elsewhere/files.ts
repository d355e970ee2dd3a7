import { readFile, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { parseDocument } from 'yaml';
import * as z from 'zod';
import { DeployError } from '../../core/errors.ts';

/** A file as it is sent: with all that makes it the same there. */
export interface SentFile {
  /** Absolute, here and there. */
  readonly path: string;
  /** In base64: a secret need not be text. */
  readonly content: string;
  readonly mode: number;
}

/** What of a compose file names other files; everything else of it is Compose's business. */
const oneOrMore = z.union([z.string(), z.array(z.union([z.string(), z.looseObject({ path: z.string() })]))]);
const byName = <T extends z.ZodType>(value: T) => z.record(z.string(), z.nullable(value)).optional().catch(undefined);
const namedFile = z.looseObject({ file: z.string().optional() });
const composeSchema = z.looseObject({
  include: z
    .array(z.union([z.string(), z.looseObject({ path: oneOrMore.optional(), env_file: oneOrMore.optional() })]))
    .optional()
    .catch(undefined),
  services: byName(
    z.looseObject({
      env_file: oneOrMore.optional().catch(undefined),
      label_file: oneOrMore.optional().catch(undefined),
      extends: z.union([z.string(), namedFile]).optional().catch(undefined),
    }),
  ),
  configs: byName(namedFile),
  secrets: byName(namedFile),
});

interface Named {
  /** Compose files, whose own files are relative to themselves. */
  readonly compose: readonly string[];
  readonly others: readonly string[];
}

/**
 * The files that a project is read from: these, and those that they name.
 * @param compose absolute, as Compose reads them; what they name is relative to `directory`
 * @param more other files of the project, absolute
 * @throws not-possible for a file that is named by a variable
 */
export async function projectFiles(
  compose: readonly string[],
  directory: string,
  more: readonly string[],
): Promise<readonly SentFile[]> {
  const paths = new Set<string>(more);
  const visit = async (path: string, base: string): Promise<void> => {
    if (paths.has(path)) return;
    paths.add(path);
    const named = namesIn(await readFile(path, 'utf8').catch(() => ''));
    const at = (name: string): string => resolve(base, withoutVariables(name, path));
    for (const other of named.others) paths.add(at(other));
    for (const other of named.compose) {
      paths.add(join(dirname(at(other)), '.env'));
      await visit(at(other), dirname(at(other)));
    }
  };
  for (const path of compose) await visit(path, directory);
  return (await Promise.all([...paths].map(read))).filter((file) => file !== null);
}

/** The names of variables in some files, for those who set them. */
export function variablesIn(files: readonly SentFile[]): ReadonlySet<string> {
  const texts = files.map(({ content }) => Buffer.from(content, 'base64').toString('utf8'));
  return new Set(texts.flatMap((text) => [...text.matchAll(/\$\{?([A-Za-z_]\w*)/g)].map(([, name]) => name ?? '')));
}

function namesIn(text: string): Named {
  const parsed = composeSchema.safeParse(parseDocument(text, { merge: true, logLevel: 'silent' }).toJS());
  // Compose says what is wrong with it.
  if (!parsed.success) return { compose: [], others: [] };
  const { include = [], services = {}, configs = {}, secrets = {} } = parsed.data;
  const all = Object.values(services).filter((service) => service !== null);
  const extended = all.map(({ extends: other }) => (typeof other === 'object' ? other.file : undefined));
  const held = [...Object.values(configs), ...Object.values(secrets)].map((each) => each?.file);
  const included = include.map((each) => (typeof each === 'string' ? { path: each } : each));
  return {
    compose: [...included.flatMap(({ path }) => list(path)), ...extended].filter((name) => name !== undefined),
    others: [
      ...included.flatMap((each) => list(each.env_file)),
      ...all.flatMap(({ env_file, label_file }) => [...list(env_file), ...list(label_file)]),
      ...held,
    ].filter((name) => name !== undefined),
  };
}

function list(names: z.infer<typeof oneOrMore> | undefined): readonly string[] {
  if (names === undefined) return [];
  return typeof names === 'string' ? [names] : names.map((name) => (typeof name === 'string' ? name : name.path));
}

function withoutVariables(name: string, file: string): string {
  if (!name.includes('$')) return name;
  throw new DeployError('not-possible', {
    what: `${file} names the file ${name} by a variable: it cannot be sent to the engine’s machine`,
    next: 'write its name out, or run docker-deploy-bg on that machine',
  });
}

/** Null for one that is not there, which Compose may allow. */
async function read(path: string): Promise<SentFile | null> {
  try {
    const [content, { mode }] = await Promise.all([readFile(path, 'base64'), stat(path)]);
    return { path, content, mode: mode & 0o777 };
  } catch {
    return null;
  }
}
