import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { frozenText, parseModel } from '../../../src/config/frozen-yaml.ts';
import { contentSources, definitionText } from '../../../src/config/identity.ts';
import { model } from './support.ts';

describe('the frozen text', () => {
  it('quotes every string, on one line', () => {
    const text = frozenText({
      a: ['2001-01-01', '0o17', 'yes', 'null', `long ${'word '.repeat(40)}\nnext`],
      b: null,
      c: {},
    });
    expect(text).toContain('"2001-01-01"');
    expect(text.split('\n')).toHaveLength(9);
    expect(text).toContain('"b": null\n"c": {}\n');
  });

  it('comes back as it was, also for a YAML 1.1 reader', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.string({ unit: 'binary' })), (given) => {
        const text = frozenText({ x: given });
        expect(parseModel(text)).toEqual({ x: { ...given } });
        expect(parse(text, { version: '1.1' })).toEqual({ x: { ...given } });
      }),
    );
  });
});

describe('the identity of a service', () => {
  const text = (yaml: string) => {
    const base = model(yaml);
    return definitionText({ base, overlays: { blue: base, green: base } }, 'web');
  };
  const plain = text('services: {web: {image: a}}');

  it.each([
    'scale: 3',
    'deploy: {replicas: 3}',
    'deploy: {update_config: {order: stop-first}}',
    'depends_on: {db: {condition: service_started}}',
    'pull_policy: always',
    'x-deploy-bg: {route: {port: 1}}',
    'profiles: [a]',
    'build: {context: /x}',
  ])('does not change with %s', (key) => {
    expect(text(`services: {web: {image: a, ${key}}}`)).toBe(plain);
  });

  it.each(['environment: {A: b}', 'labels: {a: b}', 'deploy: {resources: {limits: {cpus: "1"}}}', 'init: true'])(
    'changes with %s',
    (key) => {
      expect(text(`services: {web: {image: a, ${key}}}`)).not.toBe(plain);
    },
  );

  it('changes with the real name of a network, and with the content of a config', () => {
    const on = (name: string) =>
      text(`services: {web: {image: a, networks: {n: null}}}\nnetworks: {n: {name: ${name}}}`);
    expect(on('x')).not.toBe(on('y'));
    const using = (content: string) =>
      text(`services: {web: {image: a, configs: [{source: c}]}}\nconfigs: {c: {content: ${content}}}`);
    expect(using('x')).not.toBe(using('y'));
  });

  it('knows where secrets come from, each once', () => {
    const base = model(
      'services: {web: {secrets: [{source: a}, {source: b}]}}\nsecrets: {a: {file: /a}, b: {environment: B}, c: {file: /c}}',
    );
    expect(contentSources({ base, overlays: { blue: base, green: base } }, ['web'])).toEqual([
      { kind: 'secrets', key: 'a', environment: null, file: '/a' },
      { kind: 'secrets', key: 'b', environment: 'B', file: null },
    ]);
  });
});
