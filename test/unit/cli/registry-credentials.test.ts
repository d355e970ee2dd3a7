import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { registryCredentials } from '../../../src/cli/registry-credentials.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'deploy-bg-docker-'));
});
afterEach(() => rm(folder, { recursive: true }));

it('are known in every form in which an error could repeat them', async () => {
  const auth = Buffer.from('anna:password-of-the-registry').toString('base64');
  const auths = { 'reg.example': { auth }, 'b.example': { identitytoken: 'an-identity-token' }, 'c.example': {} };
  await writeFile(join(folder, 'config.json'), JSON.stringify({ auths, HttpHeaders: { 'X-Meta': 'header-value' } }));
  expect(registryCredentials(folder)).toEqual([auth, 'an-identity-token', 'header-value', 'password-of-the-registry']);
});

it.each(['', 'null', '{"auths": {"a": null}}', 'no json'])('are none where config.json is %j', async (text) => {
  await writeFile(join(folder, 'config.json'), text);
  expect(registryCredentials(folder)).toEqual([]);
});

it('are none without a config.json', () => {
  expect(registryCredentials(join(folder, 'none'))).toEqual([]);
});
