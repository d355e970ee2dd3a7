import Docker from 'dockerode';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { CommandRequest } from '../../src/adapters/commands/command.ts';
import { type Commands, createCommands } from '../../src/adapters/commands/commands.ts';
import type { FrozenRelease } from '../../src/app/ports.ts';
import { docker, IMAGE, makeImages, removeImages, Workspace } from './compose-support.ts';

const SHOP = `
name: PROJECT
x-deploy-bg: {strategy: blue-green, proxy: {driver: none}}
services:
  db:
    image: ${IMAGE}:v1
    networks: [back]
  web:
    image: ${IMAGE}:$VERSION
    environment: {GIVEN: "a b"}
    networks: [back]
networks: {back: {}}
`;

const never = new AbortController().signal;
const place = { service: 'web', purpose: 'pre_deploy' };
let workspace: Workspace;
let commands: Commands;
let green: FrozenRelease;

beforeAll(makeImages);
afterAll(removeImages);
beforeEach(async () => {
  workspace = await Workspace.create({ 'compose.yml': SHOP });
  const compose = workspace.compose();
  commands = createCommands({ docker: new Docker(), oneOffs: compose, env: process.env });
  green = await workspace.frozen(compose, await compose.read('v2'), 'green');
});
afterEach(() => workspace.remove());

function request(run: CommandRequest['run'], over: Partial<CommandRequest> = {}): CommandRequest {
  return { run, environment: { DEPLOY_TO: 'v2 $(x)' }, timeoutMs: 60_000, onLine: () => undefined, ...over };
}

/** Containers of the color, one-offs among them. */
const left = async (): Promise<readonly string[]> => Object.keys(await workspace.containers(`${workspace.name}-green`));

describe('a command in a new container', () => {
  it('has the variables, networks and image of its service, and leaves nothing behind', async () => {
    const lines: string[] = [];
    const run = request('echo "$DEPLOY_TO"; echo "$GIVEN" >&2; hostname -i | grep -c .; exit 3', {
      onLine: (line) => lines.push(line),
    });
    const end = await commands.oneOff(green, place, run, never);
    expect(end).toMatchObject({ kind: 'exited', exitCode: 3 });
    expect(lines.toSorted()).toEqual(['1', 'a b', 'v2 $(x)']);
    expect(await left()).toEqual([]);
  });

  it('is ended at its timeout, and when it is stopped, with its container', async () => {
    const late = await commands.oneOff(green, place, request('echo begun; sleep 60', { timeoutMs: 3000 }), never);
    expect(late).toEqual({ kind: 'timed-out', tail: ['begun'] });
    expect(await left()).toEqual([]);
    const stop = new AbortController();
    const run = request('echo begun; sleep 60', {
      onLine: () => {
        stop.abort();
      },
    });
    expect(await commands.oneOff(green, place, run, stop.signal)).toEqual({ kind: 'stopped', tail: ['begun'] });
    expect(await left()).toEqual([]);
  });

  it('takes the place of one that was killed', async () => {
    const name = `${workspace.name}-green-web-green-${green.release.id}-pre_deploy`;
    await docker('create', '--name', name, `${IMAGE}:v1`);
    expect(await commands.oneOff(green, place, request('true'), never)).toMatchObject({ exitCode: 0 });
  });

  it('A13 cannot run in an image that is not there', async () => {
    const web = green.release.services['web'];
    if (web === undefined) throw new Error('no web');
    const gone = { ...web, imageId: `sha256:${'0'.repeat(64)}` };
    const frozen = { ...green, release: { ...green.release, services: { ...green.release.services, web: gone } } };
    expect(await commands.oneOff(frozen, place, request('true'), never)).toMatchObject({
      kind: 'not-started',
      noImage: true,
    });
  });
});

describe('a command in a running container', () => {
  it('gives both streams, its exit code and the variables', async () => {
    const id = await docker('run', '-d', '--rm', '--label', 'deploy-bg.test=compose', `${IMAGE}:v1`);
    try {
      const end = await commands.exec(id, request('echo "$DEPLOY_TO"; echo no >&2; exit 4'), never);
      expect(end).toMatchObject({ kind: 'exited', exitCode: 4 });
      expect(end.kind === 'exited' && end.tail.toSorted()).toEqual(['no', 'v2 $(x)']);
      expect(await commands.exec(id, request(['echo', '$HOME']), never)).toMatchObject({ tail: ['$HOME'] });
      expect(await commands.exec(id, request('sleep 60', { timeoutMs: 500 }), never)).toMatchObject({
        kind: 'timed-out',
      });
      const absent = await commands.exec(id, request(['no-such-program']), never);
      expect(absent.kind === 'exited' ? absent.exitCode : absent.kind).toSatisfy(
        (said) => said === 127 || said === 126 || said === 'not-started',
      );
    } finally {
      await docker('kill', id);
    }
  });

  it('is not started in a container that is gone', async () => {
    expect(await commands.exec('no-such-container', request('true'), never)).toMatchObject({ kind: 'not-started' });
  });
});
