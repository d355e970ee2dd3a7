import { expect, it } from 'vitest';
import { otherVersion } from '../../../src/cli/agent-version.ts';
import { DeployError } from '../../../src/core/errors.ts';

const agent = (version: string) => ({
  about: () => Promise.resolve({ version, since: '2026-11-22T00:00:00Z', next: null }),
});
const nobody = { about: () => Promise.reject(new DeployError('agent-unreachable', { what: 'no agent runs here' })) };

it('an agent of another version is named, with the way to the same one', async () => {
  expect(await otherVersion(agent('1.1.0'), '1.2.0')).toEqual({
    message: 'the agent is version 1.1.0, and this is 1.2.0',
    hint: 'docker-deploy-bg agent init, with --listen if it was given one, then docker compose up -d deploy-bg-agent',
  });
});

it('nothing is said of one of the same version, and of one that does not answer', async () => {
  expect(await otherVersion(agent('1.2.0'), '1.2.0')).toBeNull();
  expect(await otherVersion(nobody, '1.2.0')).toBeNull();
});
