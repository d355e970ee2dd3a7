import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { agentService, withService } from '../../../src/cli/install/agent-service.ts';
import { listenAddress } from '../../../src/cli/listen.ts';

const SERVICE = { image: 'deploy-bg-agent:1', pid: 'host' };
const NAME = 'deploy-bg-agent';

const PARTS = {
  ...{ image: 'i', directory: '/srv/a$b', folders: [], flags: [], user: '0:0', socket: '/s', socketGroup: '0' },
  ...{ dockerConfig: null, environment: {}, listening: null },
};

const FILES: Readonly<Record<string, string>> = {
  'services at the end': 'services:\n  web:\n    image: a\n',
  'no newline at the end': 'services:\n  web:\n    image: a',
  'four spaces': 'services:\n    web:\n        image: a\n',
  'other keys after it': 'services:\n  web: { image: a }\n\n# data\nvolumes:\n  data: {}\n',
  'comments everywhere':
    '# top\nservices: # all\n  # the shop\n  web:\n    image: a # one\n  # the end\n\nnetworks: {}\n',
  'a block of text at the end': 'services:\n  web:\n    image: a\n    command: |\n      a\n      b\n\nvolumes: {}\n',
  'anchors and merges':
    'x-a: &a\n  restart: always\nservices:\n  web:\n    <<: *a\n    image: a\n  api:\n    <<: *a\n    image: b\n',
  'windows lines': 'services:\r\n  web:\r\n    image: a\r\nvolumes: {}\r\n',
  'an end of the document': 'services:\n  web:\n    image: a\n...\n',
  'a service without anything': 'services:\n  web:\n  api:\n    image: a\nvolumes: {}\n',
};

describe('agent init', () => {
  it.each(Object.entries(FILES))('adds its service and leaves everything else as it is: %s', (_, text) => {
    const changed = withService(text, SERVICE);
    const before = parse(text, { merge: true }) as { services: object };
    expect(parse(changed, { merge: true })).toEqual({ ...before, services: { ...before.services, [NAME]: SERVICE } });
    const lines = changed.split(/\r?\n/);
    for (const line of text.split(/\r?\n/)) expect(lines.splice(lines.indexOf(line), 1)).toEqual([line]);
  });

  it.each(Object.entries(FILES))('a second time replaces what it has written: %s', (_, text) => {
    const once = withService(text, { image: 'deploy-bg-agent:0' });
    expect(withService(once, SERVICE)).toBe(withService(text, SERVICE));
  });

  it.each(['services: {web: {image: a}}\n', 'volumes: {}\n', 'services:\n'])(
    'writes nothing where it would have to reformat: %s',
    (text) => {
      expect(() => withService(text, SERVICE)).toThrow(/cannot be written/);
    },
  );

  it('a dollar sign in a path is one for Compose, too', () => {
    expect(agentService(PARTS)).toMatchObject({ working_dir: '/srv/a$$b' });
  });

  it('listens nowhere unless it is asked to', () => {
    expect(JSON.stringify(agentService(PARTS))).not.toContain('LISTEN');
  });

  it('listens where it is asked to, and can read who may ask there, and nothing beside', () => {
    const listening = { address: '10.0.0.1:9180', tokenFile: '/etc/agent-token' };
    expect(agentService({ ...PARTS, listening })).toMatchObject({
      environment: { DEPLOY_BG_LISTEN: '10.0.0.1:9180', DEPLOY_BG_TOKEN_FILE: '/etc/agent-token' },
      volumes: expect.arrayContaining([
        { type: 'bind', source: '/etc/agent-token', target: '/etc/agent-token', read_only: true },
      ]) as unknown,
    });
  });
});

describe('an address for the agent', () => {
  const from = { name: '--listen', code: 'invalid-usage', hasToken: false } as const;

  it('is refused by the flag as by the variable, in its own words', () => {
    expect(listenAddress('[::1]:9180', from)).toEqual({ host: '::1', port: 9180, isLoopback: true });
    expect(() => listenAddress('localhost:9180', from)).toThrow(/^--listen: "localhost:9180" is no address/);
    expect(() => listenAddress('0.0.0.0:9180', from)).toThrow(/^--listen: other machines reach 0.0.0.0:9180/);
    expect(listenAddress('0.0.0.0:9180', { ...from, hasToken: true })).toMatchObject({ isLoopback: false });
  });
});
