import { expect, it } from 'vitest';
import { sharedDrift } from '../../../src/config/rules/drift.ts';
import type { ObservedContainer } from '../../../src/core/observed.ts';
import { build } from './support.ts';

const container = (service: string, configHash: string, color: 'blue' | null = null): ObservedContainer => ({
  id: `${service}-id`,
  name: `shop-${service}-1`,
  service,
  color,
  release: null,
  version: null,
  rollout: null,
  store: null,
  oneOff: false,
  number: 1,
  state: 'running',
  health: 'none',
  exitCode: null,
  oomKilled: false,
  restarts: 0,
  createdAt: 0,
  startedAt: 0,
  finishedAt: null,
  imageId: 'sha256:x',
  image: 'x',
  configHash,
  pid: 1,
  addresses: {},
});

it('W07: shared services that run otherwise than the files say, and only those', () => {
  const { project } = build({
    yaml: 'services: {db: {image: x}, cache: {image: x}, web: {image: x, x-deploy-bg: {}}}',
  });
  const running = [
    container('db', 'old'),
    container('cache', 'same'),
    container('web', 'old'),
    container('db', 'x', 'blue'),
  ];
  const found = sharedDrift(project, { db: 'new', cache: 'same', web: 'new' }, running);
  expect(found).toMatchObject([
    { code: 'W07', hint: expect.stringContaining('docker compose up -d --no-deps db') as string },
  ]);
  expect(sharedDrift(project, {}, running)).toEqual([]);
});
