import { chmod, mkdtemp, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { call } from '../../src/adapters/compose/call.ts';
import { DockerCompose } from '../../src/adapters/compose/compose.ts';
import type { FrozenRelease } from '../../src/app/ports.ts';
import { release, service } from '../support/specs.ts';

const HOSTILE = [
  ...['; touch pwned', '$(touch pwned)', '`touch pwned`', '| touch pwned', '&& touch pwned', '> pwned', '../../x'],
  ...["' ; touch pwned '", '" ; touch pwned "', '\\', '*', '~', '$HOME', 'a\nb', '{a,b}', '!x', '# x', ''],
];

let folder: string;
let program: string;

/** A docker that writes down the words that it is called with. */
beforeAll(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), 'deploy-bg-arguments-')));
  program = join(folder, 'docker');
  await writeFile(program, `#!/bin/sh\nfor word; do printf '%s\\0' "$word"; done >>"${folder}/words"\n`);
  await chmod(program, 0o755);
});
afterAll(() => rm(folder, { recursive: true, force: true }));
beforeEach(() => writeFile(join(folder, 'words'), ''));

async function words(): Promise<readonly string[]> {
  return (await readFile(join(folder, 'words'), 'utf8')).split('\0').slice(0, -1);
}

describe('no value reaches a shell', () => {
  it('a call hands on its words as they are', async () => {
    const word = fc.oneof(
      fc.constantFrom(...HOSTILE),
      fc.string({ unit: 'grapheme' }).map((each) => each.replaceAll('\0', '')),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(word, { minLength: 1, maxLength: 8 }), async (args) => {
        await writeFile(join(folder, 'words'), '');
        await call({ command: [program], args, cwd: folder, env: {} });
        expect(await words()).toEqual(args);
      }),
      { numRuns: 60 },
    );
  });

  it.each(HOSTILE)('what a compose file calls %j is one word of every call of Compose', async (name) => {
    const compose = new DockerCompose(
      {
        docker: [program],
        compose: [program],
        files: [name],
        envFiles: [name],
        profiles: [name],
        cwd: folder,
        env: {},
      },
      () => Promise.resolve(null),
    );
    const v1 = release('v1', [service(name)], { id: 'r1' });
    const frozen: FrozenRelease = {
      ...{ release: v1, color: null, rollout: 'r1', store: 's1', folder, projectDirectory: folder, shared: [] },
    };
    const request = { run: [name, name], environment: { NAME: name }, timeoutMs: 5000, onLine: () => undefined };
    await compose.up(frozen, name, 1);
    await compose.runOnce(frozen, name);
    const { runCommand } = await import('../../src/adapters/compose/one-off.ts');
    const options = {
      docker: [program],
      compose: [program],
      files: [],
      envFiles: [],
      profiles: [],
      cwd: folder,
      env: {},
    };
    await runCommand(options, frozen, { service: name, purpose: 'pre_deploy' }, request, AbortSignal.timeout(5000));
    const said = await words();
    expect(said.filter((word) => word === name).length).toBeGreaterThanOrEqual(5);
    expect(said).toContain(`NAME=${name}`);
    await expect(readFile(join(folder, 'pwned'))).rejects.toThrow('ENOENT');
  });
});
