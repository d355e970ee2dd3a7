import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { composeFileSchema } from '../../../src/config/schema/json-schema.ts';
import { projectSettings, serviceSettings } from '../../../src/config/schema/settings.ts';

const FILE = join(import.meta.dirname, '../../../docs/compose-file.schema.json');

interface Keys {
  readonly $ref?: string;
  readonly allOf?: readonly { readonly $ref: string }[];
  readonly properties: Readonly<Record<string, { readonly enum?: readonly string[] }>>;
  readonly additionalProperties: unknown;
}

/** Keys of a compose file at a path, with what they refer to. */
function keysAt(...path: readonly string[]): Keys {
  const root = composeFileSchema() as Readonly<Record<string, unknown>>;
  const at = (from: unknown, key: string): unknown => (from as Readonly<Record<string, unknown>>)[key];
  const found = path.reduce<unknown>(at, root) as Keys;
  const $ref = found.$ref ?? found.allOf?.[0]?.$ref;
  return $ref === undefined ? found : keysAt(...$ref.replace('#/', '').split('/'));
}

describe('the schema for editors', () => {
  const top = keysAt('properties', 'x-deploy-bg');
  const ofService = ['additionalProperties', 'anyOf', '0', 'properties', 'x-deploy-bg'];
  const service = keysAt('properties', 'services', ...ofService);

  it('is the published one: vitest -u writes it anew', async () => {
    await expect(`${JSON.stringify(composeFileSchema(), null, 2)}\n`).toMatchFileSnapshot(FILE);
  });

  it('has every key that is read, and no other', () => {
    expect(Object.keys(top.properties).sort()).toEqual(Object.keys(projectSettings.shape).sort());
    expect(Object.keys(service.properties).sort()).toEqual(Object.keys(serviceSettings.shape).sort());
    expect([top.additionalProperties, service.additionalProperties]).toEqual([false, false]);
  });

  it('offers what a key can be', () => {
    expect(keysAt('properties', 'services', ...ofService, 'properties', 'strategy')).toMatchObject({
      enum: ['blue-green', 'rolling', 'canary', 'recreate'],
    });
  });
});
