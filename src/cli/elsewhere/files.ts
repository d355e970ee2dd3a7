import { readFile, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { parseAllDocuments } from 'yaml';
import * as z from 'zod';
import { DeployError, messageOf } from '../../core/errors.ts';

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
    .array(
      z.union([
        z.string(),
        z.looseObject({
          path: oneOrMore.optional(),
          env_file: oneOrMore.optional(),
          project_directory: z.string().optional(),
        }),
      ]),
    )
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

/** A compose file that another one names; what it names itself is relative to a folder of its own. */
interface NamedCompose {
  readonly file: string;
  readonly folder: string | null;
}

interface Named {
  readonly compose: readonly NamedCompose[];
  readonly others: readonly string[];
}

/**
 * The files that a project is read from: these, and those that they name.
 * @param compose absolute, as Compose reads them, and overlays; what they name is relative to `directory`
 * @param more other files of the project, absolute
 * @throws not-possible for a file that is named by a variable, or cannot be read
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
    for (const { file, folder } of named.compose) {
      const home = at(folder ?? dirname(file));
      paths.add(join(home, '.env'));
      await visit(at(file), home);
    }
  };
  for (const path of compose) await visit(path, directory);
  return (await Promise.all([...paths].map(read))).filter((file) => file !== null);
}

/** What decides how a command works and what it looks like, besides what the compose files ask for. */
const MEANT_THERE = /^(HEALTH_CHECK_(TIMEOUT|INTERVAL)|DRAIN_TIMEOUT|COMPOSE_PROFILES|NO_COLOR|FORCE_COLOR|TERM)$/;
/** What is about the machine and the programs on it, and another there. */
const OF_THIS_MACHINE =
  /^(PATH|HOME|PWD|OLDPWD|SHELL|TMPDIR|USER|LOGNAME|HOSTNAME|(DOCKER|DEPLOY_BG|SSH|XDG|NODE|LD|LC|DYLD)_.*)$/;

/**
 * Names of the variables that go along with some files. Besides `$NAME` Compose knows names alone (`environment: [NAME]`,
 * `secrets: {x: {environment: NAME}}`, a line of an env file): every word may be one. One too many does no harm, since
 * here Compose sees all of them.
 */
export function variablesFor(
  files: readonly SentFile[],
  env: Readonly<Record<string, string | undefined>>,
): readonly string[] {
  const texts = files.map(({ content }) => Buffer.from(content, 'base64').toString('utf8'));
  const words = new Set(texts.flatMap((text) => text.match(/[A-Za-z_]\w*/g) ?? []));
  const isAsked = (name: string): boolean => words.has(name) && !OF_THIS_MACHINE.test(name);
  return Object.keys(env).filter((name) => MEANT_THERE.test(name) || isAsked(name));
}

function namesIn(text: string): Named {
  const documents = parseAllDocuments(text, { merge: true, logLevel: 'silent' });
  const all = documents.map((document) => namesOf(document.toJS({ maxAliasCount: -1 })));
  return { compose: all.flatMap(({ compose }) => compose), others: all.flatMap(({ others }) => others) };
}

function namesOf(document: unknown): Named {
  const parsed = composeSchema.safeParse(document);
  // Compose says what is wrong with it.
  if (!parsed.success) return { compose: [], others: [] };
  const { include = [], services = {}, configs = {}, secrets = {} } = parsed.data;
  const all = Object.values(services).filter((service) => service !== null);
  const extended = all.flatMap(({ extends: other }) => (typeof other === 'object' ? (other.file ?? []) : []));
  const held = [...Object.values(configs), ...Object.values(secrets)].flatMap((each) => each?.file ?? []);
  const included = include.map((each) => (typeof each === 'string' ? { path: each } : each));
  return {
    compose: [
      ...included.flatMap(({ path, project_directory: folder }) => together(list(path), folder)),
      ...extended.map((file) => ({ file, folder: null })),
    ],
    others: [
      ...included.flatMap((each) => list(each.env_file)),
      ...all.flatMap(({ env_file, label_file }) => [...list(env_file), ...list(label_file)]),
      ...held,
    ],
  };
}

/** Several files of one `include` are one project, at home where the first of them is. */
function together(files: readonly string[], folder: string | undefined): readonly NamedCompose[] {
  const [first] = files;
  return first === undefined ? [] : files.map((file) => ({ file, folder: folder ?? dirname(first) }));
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

/** Null for one that is not there, which Compose may allow; others must be what they are here. */
async function read(path: string): Promise<SentFile | null> {
  try {
    const [content, { mode }] = await Promise.all([readFile(path, 'base64'), stat(path)]);
    return { path, content, mode: mode & 0o777 };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw new DeployError('not-possible', {
      what: `${path} cannot be sent to the engine’s machine: ${messageOf(error)}`,
      next: 'make it readable for whoever deploys, or run docker-deploy-bg on that machine',
    });
  }
}
