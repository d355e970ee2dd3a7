import * as z from 'zod';
import { projectSettings, serviceSettings } from './settings.ts';

const COMPOSE = 'https://raw.githubusercontent.com/compose-spec/compose-spec/main/schema/compose-spec.json';

const service = z.looseObject({ 'x-deploy-bg': serviceSettings.optional() });
const composeFile = z.looseObject({
  'x-deploy-bg': projectSettings.optional(),
  services: z.record(z.string(), service.nullable()).optional(),
});

/**
 * What editors need to know of a compose file: Compose's own schema, and the keys of `x-deploy-bg`, made of the same
 * schema that reads them. What takes more than one key to be judged only `lint` says.
 */
export function composeFileSchema(): object {
  const keys = z.toJSONSchema(composeFile, {
    // As it is written, which is before anything is read into it.
    io: 'input',
    target: 'draft-7',
    unrepresentable: 'any',
    reused: 'ref',
  });
  return { ...keys, title: 'A compose file with x-deploy-bg', allOf: [{ $ref: COMPOSE }] };
}
