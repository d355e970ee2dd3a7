import { localProject } from '../local-project.ts';
import type { Command } from '../session.ts';
import { print } from '../io.ts';
import { EXIT } from '../../core/errors.ts';
import { lintView } from '../views/lint.ts';

/** `lint [--strict] [--json] | --schema`: what is wrong with the compose files, by the files alone: no engine is asked. */
export const run: Command<'lint'> = async ({ strict, json, schema, version }, { io, globals }) => {
  if (schema) {
    const { composeFileSchema } = await import('../../config/schema/json-schema.ts');
    print(io.stdout, [JSON.stringify(composeFileSchema(), null, 2)]);
    return EXIT.ok;
  }
  const local = await localProject(globals, io);
  const project = await local.read(version ?? 'latest');
  const { warnings } = project;
  print(io.stdout, json ? [JSON.stringify({ project: project.name, warnings }, null, 2)] : lintView(project));
  return strict && warnings.length > 0 ? EXIT.failed : EXIT.ok;
};
