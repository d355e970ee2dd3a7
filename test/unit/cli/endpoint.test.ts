import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { resolveEndpoint } from '../../../src/cli/endpoint.ts';
import { GLOBALS } from './support.ts';

const folder = mkdtempSync(join(tmpdir(), 'endpoint-'));
afterAll(() => {
  rmSync(folder, { recursive: true });
});

const DEFAULT = 'unix:///var/run/docker.sock';
const HOME = { HOME: join(folder, 'nobody') };
const none = GLOBALS.docker;
const noDocker = () => Promise.reject(new Error('docker was asked'));

function contexts(known: Record<string, object>) {
  return (args: readonly string[]) => {
    const context = known[args.at(-1) ?? ''];
    return context ? Promise.resolve(JSON.stringify([context])) : Promise.reject(new Error('context not found'));
  };
}

const PROD = { Endpoints: { docker: { Host: 'ssh://me@prod', SkipTLSVerify: false } }, TLSMaterial: {} };

describe('which engine', () => {
  it('is the local one by default, without asking docker', async () => {
    expect(await resolveEndpoint(none, HOME, noDocker)).toEqual({ host: DEFAULT, tls: null, dockerArgs: [] });
  });

  it('is what --host, then DOCKER_HOST say', async () => {
    const env = { ...HOME, DOCKER_HOST: 'tcp://env:2375', DOCKER_CONTEXT: 'prod' };
    expect(await resolveEndpoint(none, env, noDocker)).toMatchObject({ host: 'tcp://env:2375', dockerArgs: [] });
    const flag = await resolveEndpoint({ ...none, host: 'tcp://flag:2375' }, env, noDocker);
    expect(flag).toMatchObject({ host: 'tcp://flag:2375', dockerArgs: ['--host', 'tcp://flag:2375'] });
  });

  it('is that of the context: flag before environment before config.json', async () => {
    const inspect = contexts({ prod: PROD, env: { Endpoints: { docker: { Host: 'tcp://env' } } } });
    const config = join(folder, 'config');
    mkdirSync(config);
    writeFileSync(join(config, 'config.json'), JSON.stringify({ currentContext: 'prod' }));
    const flag = await resolveEndpoint({ ...none, context: 'prod' }, { ...HOME, DOCKER_HOST: 'tcp://x' }, inspect);
    expect(flag).toEqual({ host: 'ssh://me@prod', tls: null, dockerArgs: ['--context', 'prod'] });
    expect(await resolveEndpoint(none, { ...HOME, DOCKER_CONTEXT: 'env' }, inspect)).toMatchObject({
      host: 'tcp://env',
    });
    const current = await resolveEndpoint({ ...none, config }, HOME, inspect);
    expect(current).toMatchObject({ host: 'ssh://me@prod', dockerArgs: ['--config', config, '--context', 'prod'] });
    expect(await resolveEndpoint({ ...none, context: 'default' }, HOME, noDocker)).toMatchObject({ host: DEFAULT });
  });

  it('has certificates', async () => {
    const certs = join(folder, 'tls', 'docker');
    mkdirSync(certs, { recursive: true });
    for (const name of ['ca.pem', 'cert.pem', 'key.pem']) writeFileSync(join(certs, name), '');
    const files = { ca: join(certs, 'ca.pem'), cert: join(certs, 'cert.pem'), key: join(certs, 'key.pem') };
    const env = { ...HOME, DOCKER_HOST: 'tcp://h:2376', DOCKER_TLS_VERIFY: '1', DOCKER_CERT_PATH: certs };
    expect(await resolveEndpoint(none, env, noDocker)).toMatchObject({ tls: { ...files, verify: true } });
    const context = {
      Endpoints: { docker: { Host: 'tcp://h:2376', SkipTLSVerify: true } },
      TLSMaterial: { docker: ['ca.pem'] },
      Storage: { TLSPath: join(folder, 'tls') },
    };
    const found = await resolveEndpoint({ ...none, context: 'tls' }, HOME, contexts({ tls: context }));
    expect(found.tls).toEqual({ ...files, verify: false });
  });

  it.each([
    ['two of them', { ...none, context: 'prod', host: 'tcp://x' }, /name two engines/],
    ['an unknown context', { ...none, context: 'nix' }, /"nix" cannot be used/],
    ['a context without an engine', { ...none, context: 'empty' }, /names no Docker engine/],
  ])('is not %s', async (_what, docker, message) => {
    const ended = resolveEndpoint(docker, HOME, contexts({ empty: {} }));
    await expect(ended).rejects.toMatchObject({
      code: 'invalid-usage',
      exit: 2,
      message: expect.stringMatching(message) as string,
    });
  });
});
