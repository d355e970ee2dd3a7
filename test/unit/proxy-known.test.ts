import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { caddyWarnings } from '../../src/adapters/proxy/caddy/warnings.ts';
import type { ExecResult, ProxyContainer, ProxyEngine } from '../../src/adapters/proxy/engine.ts';

let output = '';
let asked: string[] = [];

beforeEach(async () => {
  output = await mkdtemp(join(tmpdir(), 'deploy-bg-known-'));
  asked = [];
});

afterEach(() => rm(output, { recursive: true, force: true }));

const proxy = (id: string): ProxyContainer => ({
  id,
  name: 'shop-proxy-1',
  running: true,
  pid: 1,
  addresses: {},
  command: ['caddy'],
  mounts: [],
});

/** An engine whose `exec` answers with one line, or fails. */
function engine(answer: string | null): ProxyEngine {
  const exec = (container: string): Promise<ExecResult> => {
    asked.push(container);
    return answer === null ? Promise.reject(new Error('gone')) : Promise.resolve({ exitCode: 0, output: answer });
  };
  const nobody = { proxyContainer: () => Promise.resolve(null), reachable: () => Promise.resolve([]) };
  return { ...nobody, exec, kill: () => Promise.resolve() };
}

const said = async (answer: string | null, id = 'one'): Promise<readonly string[]> =>
  (await caddyWarnings(engine(answer), proxy(id), output)).map(({ message }) => message);

describe('what a proxy can do', () => {
  it('is asked once for each of its containers', async () => {
    expect(await said('v2.8.4 h1:abc\n')).toEqual(['Caddy 2.8.4 is too old to switch by slot files']);
    expect(await said('v2.11.4 h1:def\n')).toEqual(['Caddy 2.8.4 is too old to switch by slot files']);
    expect(await said('v2.11.4 h1:def\n', 'two')).toEqual([]);
    expect(await said('v2.8.4 h1:abc\n', 'two')).toEqual([]);
    expect(asked).toEqual(['one', 'two']);
  });

  it('is asked again where the answer says nothing, or what was kept is damaged', async () => {
    expect(await said(null)).toEqual([]);
    expect(await said('unknown\n')).toEqual([]);
    expect(await said('v2.8.4\n')).toHaveLength(1);
    for (const damaged of ['{"container":"one"', 'null', '[]', '{"container":"one","features":{}}', '7']) {
      await writeFile(join(output, 'features.json'), damaged);
      expect(await said('v2.8.4\n')).toHaveLength(1);
    }
    expect(asked).toHaveLength(8);
  });
});
