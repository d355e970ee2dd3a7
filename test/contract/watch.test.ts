import { randomBytes } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { COMPOSE_LABEL } from '../../src/core/labels.ts';
import { docker, engine, TEST_LABEL, until } from '../support/project.ts';

const IMAGE = 'debian:stable-slim';
const name = `dbg${randomBytes(3).toString('hex')}`;
const stop = new AbortController();
let calls = 0;

/** A container of a project, on a network of its own. */
async function start(project: string): Promise<() => Promise<void>> {
  const labels = { [TEST_LABEL]: name };
  const network = await docker.createNetwork({ Name: `${project}-net`, Labels: labels });
  const container = await docker.createContainer({
    name: project,
    Image: IMAGE,
    Cmd: ['sleep', '300'],
    Labels: { ...labels, [COMPOSE_LABEL.project]: project },
    HostConfig: { NetworkMode: `${project}-net` },
  });
  await container.start();
  return () => network.disconnect({ Container: container.id });
}

let leaves: () => Promise<void>;
let otherLeaves: () => Promise<void>;
beforeEach(async () => {
  [leaves, otherLeaves] = await Promise.all([start(name), start(`${name}-other`)]);
  await engine.watch(name, () => (calls += 1), stop.signal);
});
afterEach(async () => {
  stop.abort();
  const filters = { label: [`${TEST_LABEL}=${name}`] };
  for (const { Id } of await docker.listContainers({ all: true, filters }))
    await docker.getContainer(Id).remove({ force: true });
  for (const { Id } of await docker.listNetworks({ filters })) await docker.getNetwork(Id).remove();
});

describe('a watch of a project', () => {
  it('is called when one of its containers leaves a network, and not for those of others', async () => {
    await otherLeaves();
    await docker.getContainer(`${name}-other`).remove({ force: true });
    expect(calls).toBe(0);
    await leaves();
    await until('the watch to be called', () => Promise.resolve(calls > 0), 10_000);
    expect(calls).toBe(1);
  });
});
