import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { TestProject } from './project.ts';

/** The n-th replica ever made of a version does what `slots/VERSION.n` says; made again, it is the next one. */
const LOOK_UP = [
  'n=1',
  'if [ ! -e /tmp/slot ]; then until mkdir /slots/$$APP_VERSION-$$n 2>/dev/null; do n=$$((n+1)); done; echo $$n >/tmp/slot; fi',
  'script=/slots/$$APP_VERSION.$$(cat /tmp/slot)',
  'if [ -e $$script ]; then . $$script; fi',
  'exec node server.js',
].join('\n');

/** Keys of a service whose replicas follow a script each, where an image gives all of its replicas the same. */
export const SCRIPTED = { user: '0:0', volumes: ['./slots:/slots'], entrypoint: ['sh', '-c', LOOK_UP] };

/** What one replica does: variables of demo/app/settings.ts. */
export type Script = Readonly<Record<`APP_${string}`, string | number>>;

/** From now on the first replica made of a version does the first script, and so on; all further ones do nothing special. */
export async function script(project: TestProject, version: string, ...scripts: readonly Script[]): Promise<void> {
  const folder = join(project.directory, 'slots');
  await project.write('slots/.keep', '');
  for (const name of await readdir(folder))
    if (name.startsWith(`${version}-`) || name.startsWith(`${version}.`))
      await rm(join(folder, name), { recursive: true });
  for (const [index, each] of scripts.entries()) {
    const lines = Object.entries(each).map(([name, value]) => `export ${name}=${String(value)}\n`);
    await project.write(`slots/${version}.${String(index + 1)}`, lines.join(''));
  }
}
