import { describe, expect, it } from 'vitest';
import { fetchImage } from '../../src/adapters/compose/images.ts';
import type { Project } from '../../src/core/project.ts';
import { service } from '../support/specs.ts';

/** What Compose is asked to do about an image that is here. */
async function asked(keys: Record<string, unknown>, from: 'registry' | 'here', refresh = true): Promise<string[]> {
  const calls: string[] = [];
  const models = { base: { services: { web: { image: 'app:latest', ...keys } } } };
  const project = { services: { web: service('web') }, models } as unknown as Project;
  await fetchImage(
    project,
    'web',
    { pull: true, build: false, refresh },
    {
      taggedAt: () => Promise.resolve(0),
      isPulled: () => Promise.resolve(from === 'registry'),
      compose: (command) => {
        calls.push(command);
        return Promise.resolve({ ok: true, exitCode: 0, stdout: '', stderr: '' });
      },
      now: () => 1,
    },
  );
  return calls;
}

describe('an image that is here', () => {
  it('is fetched again by who wants to refresh it, and by nobody else', async () => {
    expect(await asked({}, 'registry')).toEqual(['pull']);
    expect(await asked({}, 'here')).toEqual(['pull']);
    expect(await asked({}, 'registry', false)).toEqual([]);
  });

  it('is not fetched where the service forbids it', async () => {
    expect(await asked({ pull_policy: 'never' }, 'registry')).toEqual([]);
  });

  it('is not taken from a registry if it was built here', async () => {
    expect(await asked({ build: '.' }, 'here')).toEqual([]);
    expect(await asked({ build: '.' }, 'registry')).toEqual(['pull']);
  });
});
