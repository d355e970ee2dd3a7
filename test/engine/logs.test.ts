import { afterEach, describe, expect, it } from 'vitest';
import type { LogView } from '../../src/app/logs.ts';
import { ok, TestProject, until } from '../support/project.ts';

let project: TestProject;
afterEach(() => project.dispose());

/** What a replica says when it is told to stop. */
const LAST_WORDS = /SIGTERM: draining/;

describe.each([{ tty: false }, { tty: true }])('logs of containers with a terminal: $tty', ({ tty }) => {
  it('have both versions side by side, and go on with what comes', async () => {
    project = await TestProject.create({ proxy: 'caddy', web: { tty }, settings: { promote: 'manual' } });
    await Promise.all(['v1', 'v2', 'v3'].map((version) => project.build(version)));
    await ok(project.deploy('v1'));
    expect(await project.deploy('v2')).toMatchObject({ exit: 3 });

    const { stdout } = await ok(project.run(['logs']));
    for (const side of ['v1 blue', 'v2 green'])
      for (const n of [1, 2]) expect(stdout).toContain(`${side}  web-${String(n)} | listening on 3000`);
    const { stdout: json } = await ok(project.run(['logs', 'v2', '--tail', '1', '--json']));
    const views = json.split('\n').map((line) => JSON.parse(line) as LogView);
    expect(views.map(({ version, color }) => `${String(version)} ${String(color)}`)).toEqual(['v2 green', 'v2 green']);
    expect(Date.now() - (views[0]?.at ?? 0)).toBeLessThan(60_000);

    const following = project.spawn(['logs', '--follow', '--tail', '1']);
    let seen = '';
    following.stdout.on('data', (text: Buffer) => (seen += text.toString()));
    await until('it to read', () => seen.includes('v1 blue') && seen.includes('v2 green'));
    expect(await project.deploy('v3')).toMatchObject({ exit: 3 });
    await until('the lines of v2 and v3', () => /v3 green {2}web-\d \| listening/.test(seen) && LAST_WORDS.test(seen));
    following.kill('SIGINT');
    expect((await following).exitCode).toBe(130);
  });
});
