import { chmod, mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { Readable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { receive } from '../../../src/agent/receive.ts';
import { projectFiles, variablesFor } from '../../../src/cli/elsewhere/files.ts';
import { isPlainlyHere, isThisMachine, mayBeElsewhere } from '../../../src/cli/elsewhere/where.ts';
import { GLOBALS } from './support.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'deploy-bg-files-'));
});
afterEach(() => rm(folder, { recursive: true }));

async function write(files: Readonly<Record<string, string>>): Promise<void> {
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), text);
  }
}

const sent = async (...more: string[]): Promise<readonly string[]> => {
  const files = await projectFiles([join(folder, 'compose.yml')], folder, more);
  return files.map(({ path }) => relative(folder, path)).sort();
};

describe('what is sent to the engine’s machine', () => {
  it('is the compose files with all that they name, each relative to who names it, and nothing else', async () => {
    await write({
      'compose.yml': `
include: [shop/compose.yml, { path: [other.yml], env_file: other.env }]
services:
  web: { image: a, env_file: [web.env, { path: maybe.env, required: false }], extends: { file: base/base.yml, service: b } }
  db: { image: b, env_file: db.env, volumes: ['./data:/data'], build: ./db }
  none:
configs: { c: { file: ./c.conf }, inline: { content: x } }
secrets: { s: { file: s.txt }, e: { environment: S } }`,
      'shop/compose.yml': 'services: { shop: { image: c, env_file: shop.env } }',
      'base/base.yml': 'services: { b: { env_file: base.env } }',
      ...Object.fromEntries(
        ['shop/.env', 'shop/shop.env', 'base/base.env', 'other.yml', 'other.env', 'web.env', 'db.env', '.env'].map(
          (name) => [name, 'A=1\n'],
        ),
      ),
      'c.conf': 'c',
      's.txt': 's',
      'data/rows': 'rows',
      'db/Dockerfile': 'FROM x',
    });
    const files = await sent(join(folder, '.env'));
    expect(files).toEqual(
      [
        ...['.env', 'base/base.env', 'base/base.yml', 'c.conf', 'compose.yml', 'db.env', 'other.env', 'other.yml'],
        ...['s.txt', 'shop/.env', 'shop/compose.yml', 'shop/shop.env', 'web.env'],
      ].sort(),
    );
  });

  it('is whole also where files name each other', async () => {
    await write({ 'compose.yml': 'include: [b.yml]', 'b.yml': 'include: [compose.yml]' });
    expect(await sent()).toEqual(['b.yml', 'compose.yml']);
  });

  it('cannot be told where a variable names a file', async () => {
    await write({ 'compose.yml': 'services: { web: { env_file: "${WHICH}.env" } }' });
    await expect(sent()).rejects.toMatchObject({
      code: 'not-possible',
      message: expect.stringContaining('${WHICH}.env') as string,
    });
  });

  it('takes the variables along that somebody may have set', async () => {
    await write({
      'compose.yml':
        'services: { web: { image: "a:${VERSION:-1}$TAIL", environment: [ALONE], env_file: w.env } }\nsecrets: { s: { environment: SECRET } }',
      'w.env': 'BARE\n',
    });
    const files = await projectFiles([join(folder, 'compose.yml')], folder, []);
    const asked = ['VERSION', 'TAIL', 'ALONE', 'SECRET', 'BARE'];
    const env = Object.fromEntries([...asked, 'UNRELATED', 'DRAIN_TIMEOUT'].map((name) => [name, 'x']));
    expect(variablesFor(files, env)).toEqual([...asked, 'DRAIN_TIMEOUT']);
  });

  it.each(['PATH', 'HOME', 'DOCKER_HOST', 'DEPLOY_BG_THERE', 'NODE_OPTIONS', 'LD_PRELOAD'])(
    'leaves %s here, which means another thing there, whoever speaks of it',
    async (name) => {
      await write({
        'compose.yml': `services: { web: { image: a, command: "echo $$${name}", environment: [${name}] } }`,
      });
      const files = await projectFiles([join(folder, 'compose.yml')], folder, []);
      expect(variablesFor(files, { [name]: 'x' })).toEqual([]);
    },
  );

  it('knows every document of a file, however many anchors it has', async () => {
    const anchors = Array.from({ length: 200 }, () => '*a').join(', ');
    await write({
      'compose.yml': `x-a: &a { b: c }\nx-b: [${anchors}]\n---\nservices: { web: { env_file: web.env } }`,
      'web.env': '',
    });
    expect(await sent()).toEqual(['compose.yml', 'web.env']);
  });

  it('is there what it is here, byte by byte, with its mode; what is the same already stays as it is', async () => {
    const path = join(folder, 'deep', 'key');
    const content = Buffer.from([0, 255, 10]).toString('base64');
    expect(await receive(Readable.from([JSON.stringify([{ path, content, mode: 0o640 }])]))).toBe(0);
    expect(await readFile(path)).toEqual(Buffer.from([0, 255, 10]));
    expect((await stat(path)).mode & 0o777).toBe(0o640);
    await chmod(path, 0o400);
    const { ino } = await stat(path);
    await receive(Readable.from([JSON.stringify([{ path, content, mode: 0o640 }])]));
    expect(await stat(path)).toMatchObject({
      ino,
      mode: expect.toSatisfy((mode: number) => (mode & 0o777) === 0o640) as number,
    });
  });

  it('is refused where a file is none: an older one there would be taken for it', async () => {
    await write({ 'compose.yml': 'services: { web: { env_file: folder } }', 'folder/x': '' });
    await expect(sent()).rejects.toMatchObject({ code: 'not-possible' });
  });

  it('is at home where the first file of an include is, or where that says', async () => {
    await write({
      'compose.yml': 'include: [{ path: [a/a.yml, b/b.yml] }, { path: c/c.yml, project_directory: d }]',
      ...{ 'a/a.yml': '', 'b/b.yml': 'services: { b: { env_file: b.env } }', 'a/b.env': '' },
      ...{ 'c/c.yml': 'services: { c: { env_file: c.env } }', 'd/c.env': '' },
    });
    expect(await sent()).toEqual(['a/a.yml', 'a/b.env', 'b/b.yml', 'c/c.yml', 'compose.yml', 'd/c.env']);
  });
});

describe('an engine', () => {
  it.each([
    ['unix:///var/run/docker.sock', 'linux', false],
    ['unix:///run/user/1000/docker.sock', 'linux', false],
    ['unix:///home/anna/.docker/desktop/docker.sock', 'linux', true],
    ['unix:///var/run/docker.sock', 'darwin', true],
    ['tcp://127.0.0.1:2375', 'linux', true],
    ['ssh://root@shop.example', 'linux', true],
  ])('at %s on %s may be elsewhere: %j', (host, platform, expected) => {
    expect(mayBeElsewhere({ host }, platform)).toBe(expected);
    expect(isPlainlyHere(GLOBALS.docker, { DOCKER_HOST: host }, platform)).toBe(!expected);
  });

  it('is here for a command that was sent to it', () => {
    expect(isPlainlyHere(GLOBALS.docker, { DOCKER_HOST: 'tcp://x', DEPLOY_BG_THERE: '1' }, 'linux')).toBe(true);
  });

  it('of a context has to be looked up', () => {
    expect(isPlainlyHere({ ...GLOBALS.docker, context: 'prod' }, {}, 'linux')).toBe(false);
  });

  it.each([
    ['tcp://127.0.0.1:2375', true],
    ['tcp://localhost:2375', true],
    ['tcp://[::1]:2375', true],
    ['tcp://198.51.100.1:2375', false],
    ['ssh://localhost', false],
    ['192.168.1.5:2375', false],
  ])('at %s is on this machine: %j', (host, expected) => {
    expect(isThisMachine({ host })).toBe(expected);
  });
});
