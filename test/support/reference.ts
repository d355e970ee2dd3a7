import type { Command, Option } from 'commander';
import { Metrics } from '../../src/agent/metrics.ts';
import { createProgram } from '../../src/cli/program.ts';
import { composeFileSchema } from '../../src/config/schema/json-schema.ts';
import { type ErrorCode, ERRORS, EXIT } from '../../src/core/errors.ts';
import { LABEL } from '../../src/core/labels.ts';

/** What each error means, beyond its own words: that there is one for every code the compiler sees. */
const CAUSES: Readonly<Record<ErrorCode, string>> = {
  'invalid-config': 'a compose file says what cannot be done; every finding is listed with file and line',
  'invalid-version': 'the version could not be the tag of an image',
  'invalid-usage': 'the command line cannot be understood, or asks for what does not go together',
  'nothing-depends-on-version': 'no service would change with the version',
  'compose-rejected': 'Docker Compose itself refuses the files',
  'image-missing': 'the image is neither here nor in its registry, or could not be built',
  'registry-unreachable': 'the registry does not answer',
  'registry-refused': 'the registry wants credentials, or others',
  'proxy-not-wired': 'the proxy does not include the generated files, or does not have their folder',
  'proxy-rejected': 'the proxy refuses its configuration; the one before is in place again',
  'proxy-unreachable': 'the proxy does not run, or does not answer about itself',
  'shared-failed': 'a shared service that the release needs does not start',
  'rollout-failed': 'the new version did not hold; the version before serves',
  'rollout-paused': 'the rollout waits for a person',
  'way-back-paused': 'the way back needs a person; what still serves is named',
  locked: 'another command is at work on this project',
  'foreign-store': 'the running colors were deployed from another checkout',
  'nothing-to-go-back-to': 'there is no release before this one',
  'unknown-release': 'no release of this name or version is kept',
  'not-possible': 'what was asked for makes no sense in the present state',
  'not-allowed': 'the agent takes no orders at this address',
  'not-confirmed': 'a question was not answered with yes',
  'state-unreadable': 'a file of the state is damaged or of a newer version; it is never taken for absent',
  'state-unwritable': 'a folder or file that deploys write cannot be written',
  superseded: 'another deploy took the place of this one',
  'engine-unreachable': 'the Docker engine does not answer',
  'compose-missing': 'Docker Compose is not there, or too old',
  'agent-unreachable': 'no agent answers in this project',
  'engine-failed': 'the engine could not do what it was told to',
  timeout: '`--timeout` was reached',
  interrupted: 'Ctrl-C',
  internal: 'a defect of ours',
};

const EXITS: Readonly<Record<keyof typeof EXIT, string>> = {
  ok: 'completed, or nothing to do',
  failed: 'failed and rolled back; the old version serves',
  invalid: 'invalid input or configuration; nothing was changed',
  paused: 'paused, a person is needed',
  wayBackPaused: 'the way back is paused, a person is needed',
  refused: 'refused: locked, or not possible in this state',
  superseded: 'superseded by another deploy',
  unreachable: 'engine, Compose, registry or agent cannot be reached',
  timeout: '`--timeout` reached',
  interrupted: 'Ctrl-C',
};

const LABELS: Readonly<Record<keyof typeof LABEL, string>> = {
  project: 'the Compose project that a container belongs to',
  store: 'the checkout that deployed it',
  color: '`blue` or `green`',
  release: 'the release that it is made from',
  rollout: 'the rollout that made it',
  service: 'its service, without the color',
};

/** docs/reference.md, made of the program itself. */
export async function reference(): Promise<string> {
  const parts = [
    '# Reference\n\nMade of the program itself, and checked by its tests: nothing here is written by hand.',
    `## Commands\n\n${commands()}`,
    `## Keys of \`x-deploy-bg\`\n\n${keys()}`,
    `## Errors\n\n${errors()}`,
    `## Exit codes\n\n${table(['exit', 'meaning'], exits())}`,
    `## Labels\n\nOn every container of a color.\n\n${table(['label', 'says'], labels())}`,
    `## Metrics\n\nOf the agent, at \`/metrics\`.\n\n${table(['metric', 'kind', 'labels', 'says'], await metrics())}`,
  ];
  return `${parts.join('\n\n')}\n`;
}

function table(titles: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(titles), `|${titles.map(() => '---').join('|')}|`, ...rows.map(line)].join('\n');
}

function commands(): string {
  const program = createProgram('docker-deploy-bg', '', () => undefined);
  const global = `### Flags of every command\n\n${flags(program)}`;
  return [global, ...program.commands.map(command)].join('\n\n');
}

function command(of: Command): string {
  const words = `### \`${of.name()}\`\n\n\`docker deploy-bg ${of.name()} ${of.usage()}\`: ${of.summary()}.`;
  const args = of.registeredArguments.map((argument) => `- \`${argument.name()}\`: ${argument.description}`);
  return [words, ...(args.length > 0 ? [args.join('\n')] : []), ...(of.options.length > 0 ? [flags(of)] : [])].join(
    '\n\n',
  );
}

function flags(of: Command): string {
  const said = ({ description, argChoices }: Option): string =>
    argChoices === undefined ? description : `${description} (${argChoices.join(', ')})`;
  return table(
    ['flag', 'meaning'],
    of.options.map((option) => [`\`${option.flags}\``, said(option)]),
  );
}

type Schema = Readonly<Record<string, unknown>>;

function keys(): string {
  const root = composeFileSchema() as Schema;
  const at = (schema: unknown, path: readonly string[]): Schema =>
    path.reduce<Schema>((from, key) => resolved(from[key] as Schema, root), resolved(schema as Schema, root));
  const top = at(root, ['properties', 'x-deploy-bg', 'properties']);
  const ofService = ['properties', 'services', 'additionalProperties', 'anyOf', '0', 'properties', 'x-deploy-bg'];
  const service = at(root, [...ofService, 'properties']);
  const both = Object.keys(top).filter((key) => key in service);
  const rows = [
    ...rowsOf(top, root, (key) => (both.includes(key) ? 'both' : 'top')),
    ...rowsOf(
      Object.fromEntries(Object.entries(service).filter(([key]) => !both.includes(key))),
      root,
      () => 'service',
    ),
  ];
  return table(['key', 'where', 'value', 'meaning'], rows);
}

function rowsOf(properties: Schema, root: Schema, where: (key: string) => string, prefix = ''): readonly string[][] {
  return Object.entries(properties).flatMap(([key, value]) => {
    const schema = value as Schema;
    const own = resolved(schema, root);
    const items = resolved((own['items'] ?? {}) as Schema, root);
    const inner = (own['properties'] ?? items['properties'] ?? {}) as Schema;
    const path = `${prefix}${key}${own['items'] === undefined ? '' : '[]'}`;
    const meaning = typeof own['description'] === 'string' ? own['description'] : '';
    const row = [`\`${path}\``, where(key), valueText(own, root), meaning];
    return [row, ...rowsOf(inner, root, () => where(key), `${path}.`)];
  });
}

/** The schema that a reference leads to. */
function resolved(schema: Schema, root: Schema): Schema {
  const [only] = (schema['allOf'] ?? []) as readonly Schema[];
  const reference = schema['$ref'] ?? only?.['$ref'];
  if (typeof reference !== 'string' || !reference.startsWith('#/')) return schema;
  const found = reference
    .slice(2)
    .split('/')
    .reduce<unknown>((from, key) => (from as Schema)[key], root) as Schema;
  return { ...resolved(found, root), ...withoutReference(schema) };
}

function withoutReference(schema: Schema): Schema {
  return Object.fromEntries(Object.entries(schema).filter(([key]) => key !== '$ref' && key !== 'allOf'));
}

function valueText(schema: Schema, root: Schema): string {
  const choices = schema['enum'] as readonly unknown[] | undefined;
  if (choices !== undefined) return choices.map((choice) => `\`${String(choice)}\``).join(', ');
  const several = (schema['anyOf'] ?? []) as readonly Schema[];
  if (several.length > 0)
    return [...new Set(several.map((each) => valueText(resolved(each, root), root)))]
      .filter((text) => text !== '')
      .join(' or ');
  return [(schema['type'] ?? []) as string | readonly string[]].flat().join(' or ');
}

function errors(): string {
  const rows = Object.entries(ERRORS).map(([code, { exit, next }]) => [
    `\`${code}\``,
    String(exit),
    CAUSES[code as ErrorCode],
    next,
  ]);
  return `Where more is known, the error says a better way itself.\n\n${table(['code', 'exit', 'cause', 'cure'], rows)}`;
}

function exits(): readonly string[][] {
  return Object.entries(EXIT).map(([name, code]) => [String(code), EXITS[name as keyof typeof EXIT]]);
}

function labels(): readonly string[][] {
  return Object.entries(LABEL).map(([name, label]) => [`\`${label}\``, LABELS[name as keyof typeof LABEL]]);
}

async function metrics(): Promise<readonly string[][]> {
  const all = await new Metrics().registry.getMetricsAsJSON();
  return all.map(({ name, type, help, values }) => {
    const labelled = new Set(values.flatMap((value) => Object.keys(value.labels)).filter((label) => label !== 'le'));
    return [`\`${name}\``, String(type), [...labelled].join(', '), help];
  });
}
