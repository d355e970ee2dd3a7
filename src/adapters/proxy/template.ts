import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import Handlebars from 'handlebars';
import { DeployError, messageOf } from '../../core/errors.ts';

/** A template's text with the name that errors call it by. */
export interface Template {
  readonly name: string;
  readonly text: string;
}

/**
 * Fills a template. Strict: a name that the view does not have is an error, not an empty string. Nothing is
 * escaped, because every value of a view was checked before (routes.ts).
 * @throws proxy-rejected
 */
export function fill(template: Template, view: object): string {
  try {
    return compiled(template.text)(view);
  } catch (error) {
    throw new DeployError('proxy-rejected', {
      what: `the proxy template ${template.name} cannot be rendered`,
      details: messageOf(error).split('\n'),
      cause: error,
    });
  }
}

const COMPILED = new Map<string, Handlebars.TemplateDelegate<object>>();

/** Compiling costs more than everything else of a switch: once a process. */
function compiled(text: string): Handlebars.TemplateDelegate<object> {
  const known = COMPILED.get(text);
  if (known !== undefined) return known;
  const fresh = Handlebars.compile<object>(text, { strict: true, noEscape: true });
  COMPILED.set(text, fresh);
  return fresh;
}

/** A packaged template, by its path below `templates/`. */
export async function packaged(path: string): Promise<Template> {
  return { name: path, text: await readFile(join(packagedFolder(), path), 'utf8') };
}

/** The user's own template if they have one, else the packaged one. @throws invalid-config */
export async function templateOf(own: string | null, path: string): Promise<Template> {
  if (own === null) return packaged(path);
  try {
    return { name: own, text: await readFile(own, 'utf8') };
  } catch (error) {
    throw new DeployError('invalid-config', {
      what: `proxy.template cannot be read: ${messageOf(error)}`,
      cause: error,
    });
  }
}

/** The sources stand three folders below the package, the bundle one: look upwards for the templates. */
function packagedFolder(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, 'templates', 'caddy'))) {
    if (folder === dirname(folder)) throw new Error('the package’s templates are missing');
    folder = dirname(folder);
  }
  return join(folder, 'templates');
}

/** A short fingerprint of a configuration: the proxy answers it, which proves what it has loaded. */
export function fingerprint(parts: readonly string[]): string {
  return createHash('sha256').update(parts.join('\0')).digest('hex').slice(0, 16);
}
