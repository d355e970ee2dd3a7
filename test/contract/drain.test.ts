import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { atContainers, fromProxy } from '../../src/adapters/drain/evidence.ts';
import { NoRouter } from '../../src/adapters/proxy/none.ts';
import { docker, observed } from '../support/proxy-engine.ts';
import { clock, makeRig, type Rig } from '../support/proxy-rig.ts';

let rig: Rig;
let app: string;

beforeAll(async () => {
  rig = await makeRig('caddy');
  app = await rig.startApp('v1');
});
afterAll(async () => {
  await rig.remove();
});

async function slow(ms: number): Promise<string> {
  const headers = { connection: 'close' };
  return (await fetch(`http://${await rig.address(app)}:3000/slow?ms=${ms}`, { headers })).text();
}

describe('requests in flight without a proxy of ours', () => {
  test('are the connections that the container has accepted', async () => {
    const container = await observed(app);
    const router = new NoRouter();
    const answers = [slow(1500), slow(1500)];
    await clock.wait(400);
    expect(await router.inFlight([container])).toEqual({ [container.id]: 2 });
    expect(await atContainers(() => 3000, [container])).toEqual({ [container.id]: 2 });
    expect(await atContainers(() => 3001, [container])).toEqual({ [container.id]: 0 });
    await Promise.all(answers);
    await clock.wait(200);
    expect(await router.inFlight([container])).toEqual({ [container.id]: 0 });
  });

  test('unreadable is not zero', async () => {
    const container = await observed(app);
    const empty = await mkdtemp(join(tmpdir(), 'no-proc-'));
    expect(await atContainers(() => 3000, [container], empty)).toEqual({ [container.id]: null });
    expect(await fromProxy(1, [container], { proc: empty })).toEqual({ [container.id]: null });
    expect(await fromProxy(null, [container])).toEqual({ [container.id]: null });
    await rm(empty, { recursive: true });
  });

  test('a container that has ended has none', async () => {
    await docker.getContainer(app).stop({ t: 0 });
    const container = await observed(app);
    expect(await atContainers(() => 3000, [container])).toEqual({ [container.id]: 0 });
    expect(await fromProxy(null, [container])).toEqual({ [container.id]: 0 });
  });
});
