import { afterEach, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { ok, type ProxyKind, TestProject } from '../support/project.ts';

const LOAD = { kinds: { kept: 4, fresh: 4, post: 2, slow: 2 } };

/** A project as a person has it who never heard of us: a fixed tag, and no key of ours. */
interface Stranger {
  readonly proxy: ProxyKind;
  readonly services: (project: TestProject) => Readonly<Record<string, unknown>>;
  readonly config: readonly [file: string, text: string] | null;
}

const STRANGERS: Readonly<Record<string, Stranger>> = {
  'behind Caddy': {
    proxy: 'caddy',
    services: (project) => ({
      caddy: { image: 'caddy:2', ports: [port(project, 80)], volumes: ['./proxy:/etc/caddy'] },
      web: web(project),
    }),
    config: ['proxy/Caddyfile', ':80 {\n\t# all of it\n\treverse_proxy web:3000\n}\n'],
  },
  'behind nginx': {
    proxy: 'nginx',
    services: (project) => ({
      web: web(project),
      front: {
        image: 'nginx:stable',
        ports: [port(project, 80)],
        volumes: ['./proxy/site.conf:/etc/nginx/conf.d/default.conf:ro'],
        depends_on: ['web'],
      },
    }),
    config: [
      'proxy/site.conf',
      [
        'upstream app {\n    server web:3000;\n}\n',
        'server {\n    listen 80;\n    location / {\n        # large ones\n        client_max_body_size 64m;',
        '        proxy_set_header Host $host;\n        proxy_pass http://app;\n    }\n}\n',
      ].join('\n'),
    ],
  },
  'at a published port, without a proxy': {
    proxy: 'caddy',
    services: (project) => ({ web: { ...web(project), ports: [port(project, 3000)] } }),
    config: null,
  },
};

function web(project: TestProject) {
  return { image: project.image('v1'), stop_grace_period: '5s' };
}

function port({ url }: TestProject, inside: number): string {
  return `${url.slice('http://'.length)}:${String(inside)}`;
}

describe('a stranger’s project', () => {
  let project: TestProject;
  afterEach(() => project.dispose());

  it.each(Object.entries(STRANGERS))(
    '%s: init --yes, a first deploy, and a second one without a lost request',
    async (_, { proxy, services, config }) => {
      project = await TestProject.create({ proxy });
      for (const file of [proxy === 'caddy' ? 'proxy/Caddyfile' : 'proxy/nginx.conf', 'proxy/deploy-bg'])
        await project.remove(file);
      await project.write('compose.yml', stringify({ name: project.name, services: services(project) }));
      if (config !== null) await project.write(...config);
      await Promise.all(['v1', 'v2'].map((version) => project.build(version)));

      const asked = await project.run(['init']);
      expect(asked.exit, asked.stderr).toBe(5);
      await ok(project.run(['init', '--yes']));
      expect((await ok(project.run(['init']))).stdout).toContain('nothing to do');

      await ok(project.deploy('v1', '--no-pull'));
      const load = project.load(LOAD);
      await ok(project.deploy('v2', '--no-pull'));
      const report = await load.stop();
      expect(report.failures).toEqual([]);
      expect(Object.keys(report.byVersion).toSorted()).toEqual(['v1', 'v2']);
      expect(await project.status()).toMatchObject({ live: { version: 'v2' }, leftovers: [], disagreements: [] });
    },
  );
});
