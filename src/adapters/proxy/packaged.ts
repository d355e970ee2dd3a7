import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { compileTemplate } from './compile-template.ts';

/**
 * A packaged template as a function of its view, by its path below `templates/`. The build puts a module in the place
 * of this one that holds the templates compiled: compiling them would cost more than everything else of a switch.
 */
export async function packagedTemplate(path: string): Promise<(view: object) => string> {
  return compileTemplate(await readFile(join(packagedFolder(), path), 'utf8'));
}

function packagedFolder(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, 'templates', 'caddy'))) {
    if (folder === dirname(folder)) throw new Error('the package’s templates are missing');
    folder = dirname(folder);
  }
  return join(folder, 'templates');
}
