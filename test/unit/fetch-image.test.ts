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

describe('an image that cannot be fetched', () => {
  it.each([
    ['manifest for app:latest not found: manifest unknown: manifest unknown', 'image-missing'],
    [
      "pull access denied for app, repository does not exist or may require 'docker login': denied: requested access to the resource is denied",
      'image-missing',
    ],
    ['Head "https://registry.example/v2/app/manifests/v2": no basic auth credentials', 'registry-refused'],
    ['unauthorized: authentication required', 'registry-refused'],
    ['Get "https://registry.example/v2/": dial tcp: lookup registry.example: no such host', 'registry-unreachable'],
    ['Get "https://registry.example/v2/": net/http: TLS handshake timeout', 'registry-unreachable'],
    ['something else', 'image-missing'],
  ])('because of “%s” is %s', async (words, code) => {
    const stderr = ` web Pulling \n web Error ${words}\nError response from daemon: ${words}\n`;
    await expect(fetching(stderr)).rejects.toMatchObject({
      code,
      message: `the image app:v1 of service web cannot be fetched: ${words}`,
      details: [],
    });
  });
});

/** A pull that fails with these words. */
function fetching(stderr: string): Promise<void> {
  const models = { base: { services: { web: { image: 'app:latest' } } } };
  const project = { services: { web: service('web') }, models } as unknown as Project;
  return fetchImage(
    project,
    'web',
    { pull: true, build: false, refresh: false },
    {
      taggedAt: () => Promise.resolve(null),
      isPulled: () => Promise.resolve(true),
      compose: () => Promise.resolve({ ok: false, exitCode: 1, stdout: '', stderr }),
      now: () => 1,
    },
  );
}
