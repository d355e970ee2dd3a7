import type { Models } from './project.ts';

/** Something that a Compose file gives a name and a value. */
export interface Variable {
  readonly name: string;
  readonly value: string;
}

type Mapping = Readonly<Record<string, unknown>>;

/** The environment and the build arguments of every service, and what configs with a content of their own assign. */
export function variablesIn({ base, overlays }: Models): readonly Variable[] {
  return [base, overlays.blue, overlays.green].flatMap((model) => [
    ...Object.values(mapping(model['services'])).flatMap((service) => [
      ...pairs(mapping(service)['environment']),
      ...pairs(mapping(mapping(service)['build'])['args']),
    ]),
    ...Object.values(mapping(model['configs'])).flatMap((config) => assignments(mapping(config)['content'])),
  ]);
}

/** Names that messages need: the project's and its services'. */
export function namesIn({ base }: Models): readonly string[] {
  return [base['name'], ...Object.keys(mapping(base['services']))].filter((name) => typeof name === 'string');
}

/** A mapping as Compose prints it, or a list of `NAME=value`. */
function pairs(value: unknown): Variable[] {
  if (Array.isArray(value)) return value.flatMap((line) => (typeof line === 'string' ? assignments(line) : []));
  return Object.entries(mapping(value)).flatMap(([name, text]) =>
    typeof text === 'string' ? [{ name, value: unescaped(text) }] : [],
  );
}

/** `name: value`, `"name"="value"` and the like, wherever they stand in a text. */
function assignments(text: unknown): Variable[] {
  if (typeof text !== 'string') return [];
  const found = unescaped(text).matchAll(/([\w.-]+)["']?\s*[:=]\s*(?:"([^"\n]*)"|'([^'\n]*)'|([^\s"',;]+))/g);
  return [...found].map(([, name = '', double, single, bare]) => ({ name, value: double ?? single ?? bare ?? '' }));
}

function unescaped(text: string): string {
  return text.replaceAll('$$', '$');
}

function mapping(value: unknown): Mapping {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Mapping) : {};
}
