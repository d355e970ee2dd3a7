import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { DeployError, messageOf } from '../../core/errors.ts';
import { packagedTemplate } from './packaged.ts';

/** A compiled template with the name that errors call it by. */
export interface Template {
  readonly name: string;
  readonly render: (view: object) => string;
}

/**
 * Fills a template. Strict: a name that the view does not have is an error, not an empty string. Nothing is
 * escaped, because every value of a view was checked before (routes.ts).
 * @throws proxy-rejected
 */
export function fill(template: Template, view: object): string {
  try {
    return template.render(view);
  } catch (error) {
    throw new DeployError('proxy-rejected', {
      what: `the proxy template ${template.name} cannot be rendered`,
      details: messageOf(error).split('\n'),
      cause: error,
    });
  }
}

const PACKAGED = new Map<string, Promise<Template>>();

/** A packaged template, by its path below `templates/`. */
export function packaged(path: string): Promise<Template> {
  const known = PACKAGED.get(path) ?? packagedTemplate(path).then((render) => ({ name: path, render }));
  PACKAGED.set(path, known);
  return known;
}

/** The user's own template if they have one, else the packaged one. @throws invalid-config */
export async function templateOf(own: string | null, path: string): Promise<Template> {
  if (own === null) return packaged(path);
  try {
    const text = await readFile(own, 'utf8');
    const { compileTemplate } = await import('./compile-template.ts');
    return { name: own, render: compileTemplate(text) };
  } catch (error) {
    throw new DeployError('invalid-config', {
      what: `proxy.template cannot be read: ${messageOf(error)}`,
      cause: error,
    });
  }
}

/** A short fingerprint of a configuration: the proxy answers it, which proves what it has loaded. */
export function fingerprint(parts: readonly string[]): string {
  return createHash('sha256').update(parts.join('\0')).digest('hex').slice(0, 16);
}
