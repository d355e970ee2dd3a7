import { execa } from 'execa';
import { it } from 'vitest';
import { docker, ok, TestProject, until } from '../support/project.ts';
it('x', async () => {
  const project = await TestProject.create({ proxy: 'nginx' });
  try {
  await Promise.all([project.build('v1'), project.build('v2')]);
  await execa('chown', ['-R', '12345:12345', project.directory]);
  await ok(project.run(['agent', 'init']));
  await ok(project.deploy('v1'));
  await until('h', async () => (await docker.getContainer(`${project.name}-deploy-bg-agent-1`).inspect()).State.Health?.Status === 'healthy');
  console.log((await execa('docker', ['exec', `${project.name}-deploy-bg-agent-1`, 'sh', '-c', 'id; for p in $(ls /proc | grep -E "^[0-9]+$" | tail -5); do ls -ld /proc/$p/net/tcp; head -1 /proc/$p/net/tcp; done'], {reject: false, all: true})).all);
  await ok(project.deploy('v2', '--detach'));
  await new Promise((r) => setTimeout(r, 20000));
  console.log((await project.run(['agent', 'logs'])).stdout.split('\n').slice(-30).join('\n'));
  console.log((await project.run(['status'])).stdout);
  } finally { await project.dispose(); }
});
