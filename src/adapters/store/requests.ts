import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import type { Steering } from '../../core/steer.ts';
import { makeFolder, namesIn, readIfThere, writeDurably, writing } from './files.ts';
import { watchFolder } from './watch.ts';

const verbSchema = z.enum(['promote', 'promote-full', 'pause', 'resume', 'abort', 'retry', 'supersede']);

let count = 0;

/** One file a request, named so that they sort by time. */
export async function addRequest(folder: string, verb: Steering): Promise<void> {
  await makeFolder(folder);
  count += 1;
  const name = [String(Date.now()).padStart(16, '0'), String(process.pid), String(count)].join('-');
  await writeDurably(join(folder, name), verb);
}

/** The oldest request, which is removed. Something that is no request is removed and passed over. */
export async function takeRequest(folder: string): Promise<Steering | null> {
  for (const name of await requestNames(folder)) {
    const path = join(folder, name);
    const verb = verbSchema.safeParse(await readIfThere(path));
    await writing(path, () => rm(path, { force: true }));
    if (verb.success) return verb.data;
  }
  return null;
}

/** Also requests that come before anybody made the folder for them. */
export async function watchRequests(folder: string, changed: () => void, signal: AbortSignal): Promise<void> {
  await makeFolder(folder);
  watchFolder(folder, changed, signal);
}

async function requestNames(folder: string): Promise<string[]> {
  return (await namesIn(folder)).filter((name) => !name.startsWith('.')).sort();
}
