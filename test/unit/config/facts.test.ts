import { describe, expect, it } from 'vitest';
import type { ServiceFacts } from '../../../src/core/project.ts';
import { build, type Given } from './support.ts';

const MIB = 1024 ** 2;

/** What is known of a service. */
function facts(name: string, given: Given): ServiceFacts {
  const found = build(given).project.facts[name];
  if (found === undefined) throw new Error(`nothing is known of ${name}`);
  return found;
}

const FILE = `
name: shop
x-deploy-bg: {proxy: {driver: none}}
services:
  web: {image: 'web:VERSION', x-deploy-bg: {route: {port: 80}}}
  api: {image: 'api:VERSION', x-deploy-bg: {strategy: recreate}}
  jobs: {image: 'jobs:VERSION'}
  cron: {image: cron, deploy: {update_config: {parallelism: 1}}}
  migrate: {image: 'web:VERSION'}
  late: {image: 'web:VERSION', depends_on: {migrate: {condition: service_completed_successfully, required: true}}}
  db: {image: db}
`;

describe('why a service is treated as it is', () => {
  it.each([
    ['web', 'it has x-deploy-bg', 'default: it has a route'],
    ['api', 'it has x-deploy-bg', 'strategy of the service'],
    ['jobs', 'it depends on the version', 'default: it has no route'],
    ['cron', 'it has deploy.update_config', 'default: it has no route'],
    ['migrate', 'others wait for it to exit with 0', 'default: it has no route'],
    ['db', 'nothing in it depends on the version', 'default: it has no route'],
  ])('%s: %s', (name, role, strategy) => {
    expect(facts(name, { yaml: FILE })).toMatchObject({ role, strategy });
  });

  it('is the strategy of the project, where the service says none', () => {
    const yaml = FILE.replace('proxy: {driver: none}', 'proxy: {driver: none}, strategy: rolling');
    expect(facts('jobs', { yaml }).strategy).toBe('strategy of the project');
    expect(facts('api', { yaml }).strategy).toBe('strategy of the service');
  });

  it('is an overlay that names it', () => {
    const overlays = { blue: 'services: {jobs: {environment: {A: b}}}' };
    expect(facts('jobs', { yaml: FILE, overlays })).toMatchObject({
      ...{ role: 'the overlay of a color names it', strategy: 'default: the overlay of a color names it' },
    });
  });
});

describe('the memory of a service', () => {
  const memory = (keys: string) => {
    const { memoryLimit, memoryReserved } = facts('web', { yaml: `services: {web: {image: 'web:VERSION', ${keys}}}` });
    return [memoryLimit, memoryReserved];
  };

  it.each([
    ['', [null, null]],
    [`mem_limit: '${256 * MIB}', mem_reservation: '${64 * MIB}'`, [256 * MIB, 64 * MIB]],
    [`deploy: {resources: {limits: {memory: '${100 * MIB}'}}}`, [100 * MIB, null]],
    [`deploy: {resources: {reservations: {memory: '${50 * MIB}'}}}`, [null, 50 * MIB]],
    [`mem_limit: '0'`, [null, null]],
  ])('that says {%s} is what Compose makes of it', (keys, expected) => {
    expect(memory(keys)).toEqual(expected);
  });
});

describe('the name of a container', () => {
  it('that exists once gets the color behind it, and one of an overlay stays', () => {
    const yaml = `services: {web: {image: 'web:VERSION', container_name: shop-web, x-deploy-bg: {}}}`;
    expect(facts('web', { yaml }).containerNames).toEqual({
      ...{ plain: 'shop-web', blue: 'shop-web-blue', green: 'shop-web-green' },
    });
    const overlays = { green: 'services: {web: {container_name: the-green-one}}' };
    expect(facts('web', { yaml, overlays }).containerNames).toMatchObject({ blue: 'shop-web', green: 'the-green-one' });
  });
});
