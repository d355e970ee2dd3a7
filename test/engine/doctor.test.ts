import { afterEach, describe, expect, it } from 'vitest';
import type { Finding } from '../../src/core/doctor.ts';
import { docker, ok, type ProxyKind, TestProject } from '../support/project.ts';

let project: TestProject;
afterEach(() => project.dispose());

async function findings(): Promise<{ readonly exit: number; readonly of: (area: string) => Finding | undefined }> {
  const { exit, stdout } = await project.run(['doctor', '--json']);
  const found = JSON.parse(stdout) as Finding[];
  return { exit, of: (area) => found.find((finding) => finding.area === area) };
}

describe.each<ProxyKind>(['caddy', 'nginx'])('doctor of a project behind %s', (proxy) => {
  it('finds it well, and names what is not, with what to do', async () => {
    project = await TestProject.create({ proxy });
    const shell = { command: ['sh', '-c', 'node server.js; true'], stop_grace_period: '2s' };
    await Promise.all(['v1', 'v2'].map((version) => project.build(version)));
    expect((await findings()).of('proxy')).toMatchObject({ level: 'skipped' });
    await ok(project.deploy('v1'));
    const well = await findings();
    for (const area of ['engine', 'project', 'proxy', 'services', 'disk', 'state'])
      expect(well.of(area), area).toMatchObject({ level: 'ok' });
    expect(well.exit).toBe(0);

    await project.edit({ web: shell });
    await ok(project.deploy('v2'));
    expect((await findings()).of('services')).toMatchObject({
      level: 'warning',
      what: expect.stringMatching(/^web: its process does not hear SIGTERM: each stop takes 2 s/) as string,
    });

    await docker.getContainer(`${project.name}-proxy-1`).stop({ t: 1 });
    const sick = await findings();
    expect(sick.exit).toBe(1);
    expect(sick.of('proxy')).toMatchObject({
      level: 'error',
      cure: expect.stringContaining('docker compose up -d --no-deps proxy') as string,
    });
  });
});
