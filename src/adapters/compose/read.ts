import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { diagnosticText, isWarning } from '../../config/findings.ts';
import { frozenText, parseModel } from '../../config/frozen-yaml.ts';
import { mapping, servicesOf, text, unescaped } from '../../config/model.ts';
import { contentSources } from '../../config/identity.ts';
import { buildProject, versionVariable } from '../../config/project.ts';
import { differingServices, servicesHolding } from '../../config/replaced.ts';
import { servicesNamedIn, Sources, syntaxErrors, type SourceFile } from '../../config/sources.ts';
import type { Color } from '../../core/color.ts';
import { DeployError } from '../../core/errors.ts';
import type { ComposeModel, Models, Project } from '../../core/project.ts';
import { wordsOf, type Outcome } from './call.ts';
import { userFiles, type UserFiles } from './files.ts';
import { derivedFlags, type ComposeOptions } from './options.ts';
import { config, resolveBoth, type Resolution } from './resolve.ts';

/** A project with the variable that carried its version. */
export interface Reading {
  readonly project: Project;
  readonly versionEnv: string;
}

/**
 * Resolves the user's files for a version and validates them.
 * @param begun what was asked of Compose already, to be used if it is what is needed
 * @throws invalid-config, compose-rejected, compose-missing
 */
export async function readProject(
  options: ComposeOptions,
  version: string,
  begun: Promise<Resolution> | null,
): Promise<Reading> {
  const files = await userFiles(options);
  const resolving = resolveVersion(options, files, version, begun);
  const { base, versioned, versionEnv } = await resolving.catch((error: unknown) => {
    throw withPlaces(error, files.sources);
  });
  const [overlays, captured] = await Promise.all([
    resolveOverlays(options, files, base, { [versionEnv]: version }),
    capture(options, files, base, variablesOf({ base, overlays: { blue: base, green: base } })),
  ]);
  const models: Models = { base, overlays };
  const added = variablesOf(models).filter((name) => !(name in captured));
  const given = Object.values(files.overlays).filter((overlay) => overlay !== null);
  const { project, diagnostics } = buildProject({
    models,
    version,
    directory: files.directory,
    versioned,
    overlays: given.map((overlay) => ({ file: overlay.path, names: servicesNamedIn(overlay) })),
    environmentValues: { ...captured, ...(await capture(options, files, base, added)) },
    secretTexts: await secretTexts(models),
    sources: new Sources([...files.sources, ...given]),
  });
  const errors = diagnostics.filter((each) => !isWarning(each));
  if (errors.length === 0) return { project, versionEnv };
  const counted = errors.length === 1 ? 'one error' : `${String(errors.length)} errors`;
  throw new DeployError('invalid-config', {
    what: `the configuration of ${project.name} has ${counted}`,
    details: diagnostics.map(diagnosticText),
  });
}

/**
 * What Compose makes of the user's files, whatever is wrong with our keys in them.
 * @throws compose-rejected
 */
export async function readModels(
  options: ComposeOptions,
  files: UserFiles,
  version: string,
): Promise<{ readonly model: ComposeModel; readonly versioned: ReadonlySet<string> }> {
  const { base, versioned } = await resolveVersion(options, files, version, null).catch((error: unknown) => {
    throw withPlaces(error, files.sources);
  });
  return { model: base, versioned };
}

/** One slip makes errors of all lines that follow. */
const MOST_PLACES = 3;

/** Compose’s refusal, with the place in a file that is no YAML. */
function withPlaces(error: unknown, sources: readonly SourceFile[]): unknown {
  const places = sources.flatMap(syntaxErrors);
  if (!(error instanceof DeployError) || error.code !== 'compose-rejected' || places.length === 0) return error;
  const words = error.details.filter((line) => !error.message.endsWith(line));
  return new DeployError(error.code, {
    what: error.message,
    details: [...places.slice(0, MOST_PLACES), ...words],
    cause: error,
  });
}

async function resolveVersion(
  options: ComposeOptions,
  files: UserFiles,
  version: string,
  begun: Promise<Resolution> | null,
) {
  const given = new Sources(files.sources).scalar(['x-deploy-bg', 'version_env']) ?? 'VERSION';
  const early = await begun;
  const fits = early?.version === version && early.versionEnv === given;
  const first = compared(fits ? early : await resolveBoth(options, given, version));
  const wanted = versionVariable(first.base);
  // It may come from an included file, which is not among the sources.
  return wanted === given ? first : compared(await resolveBoth(options, wanted, version));
}

function compared({ version, versionEnv, base: real, sentinel }: Resolution) {
  const base = modelOf(real);
  // Files may depend on the version by their names (`env_file: ${VERSION}.env`): then nothing can be compared.
  const versioned = sentinel.ok ? differingServices(base, modelOf(sentinel)) : servicesHolding(base, version);
  return { base, versioned, versionEnv };
}

async function resolveOverlays(
  options: ComposeOptions,
  files: UserFiles,
  base: ComposeModel,
  env: Readonly<Record<string, string>>,
): Promise<Readonly<Record<Color, ComposeModel>>> {
  const merge = (overlay: SourceFile | null) =>
    overlay === null
      ? Promise.resolve(base)
      : configOf(
          options,
          [...ownFlags(options, files, base), '-f', '-', '-f', resolve(options.cwd, overlay.path)],
          env,
          frozenText(base),
        );
  const [blue, green] = await Promise.all([merge(files.overlays.blue), merge(files.overlays.green)]);
  return { blue, green };
}

/** Flags for a file of our own making: the same project, and every service in it is meant. */
function ownFlags(options: ComposeOptions, files: UserFiles, base: ComposeModel): readonly string[] {
  const name = text(base['name']) ?? '';
  return ['-p', name, '--project-directory', files.directory, '--profile', '*', ...derivedFlags(options)];
}

async function configOf(...asked: Parameters<typeof config>): Promise<ComposeModel> {
  return modelOf(await config(...asked));
}

/** @throws compose-rejected with Compose's words */
function modelOf(outcome: Outcome): ComposeModel {
  if (outcome.ok) return parseModel(outcome.stdout);
  const words = wordsOf(outcome.stderr);
  throw new DeployError('compose-rejected', {
    what: `Docker Compose does not accept the project: ${words.at(-1) ?? `exit code ${String(outcome.exitCode)}`}`,
    details: words,
  });
}

/** A secret is no book; more of it would be looked for in every line that is shown. */
const LONGEST_SECRET = 64 * 1024;

/** Contents of file-backed secrets. One that cannot be read is reported when it is copied. */
async function secretTexts(models: Models): Promise<readonly string[]> {
  const sources = contentSources(models, Object.keys(servicesOf(models.base)));
  const paths = sources.flatMap(({ kind, file }) => (kind === 'secrets' && file !== null ? [unescaped(file)] : []));
  const texts = await Promise.all([...new Set(paths)].map((path) => readFile(path, 'utf8').catch(() => '')));
  return texts.filter((content) => content !== '' && content.length <= LONGEST_SECRET);
}

/** The variables that `environment:` secrets and configs name. */
function variablesOf(models: Models): readonly string[] {
  const sources = contentSources(models, Object.keys(servicesOf(models.base)));
  return [...new Set(sources.map((source) => source.environment).filter((name) => name !== null))];
}

/** The exact values of variables, from wherever Compose takes them; those that are not set are left out. */
async function capture(
  options: ComposeOptions,
  files: UserFiles,
  base: ComposeModel,
  names: readonly string[],
): Promise<Readonly<Record<string, string>>> {
  if (names.length === 0) return {};
  // The mark tells an empty variable from one that is not set.
  const asked = Object.fromEntries(names.map((name) => [name, `\${${name}+=}\${${name}-}`]));
  const file = frozenText({ services: { capture: { image: 'capture' } }, 'x-deploy-bg-env': asked });
  const answer = await configOf(options, [...ownFlags(options, files, base), '-f', '-'], {}, file);
  const values = Object.entries(mapping(answer['x-deploy-bg-env']));
  const set = values.filter((value): value is [string, string] => text(value[1]) !== null);
  return Object.fromEntries(set.map(([name, value]) => [name, unescaped(value.slice(1))]));
}
