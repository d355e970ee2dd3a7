import { chmod, mkdir, readFile, rename, stat, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { text } from 'node:stream/consumers';
import type { Readable } from 'node:stream';
import * as z from 'zod';
import { messageOf } from '../core/errors.ts';

const filesSchema = z.array(z.strictObject({ path: z.string(), content: z.base64(), mode: z.number() }));

/**
 * Writes files that a command on another machine sends, as JSON on standard input. One that is the same already stays, and
 * so does what was not sent: it may be somebody else's.
 * @returns the exit code; what the file system refuses is said on standard error
 */
export async function receive(input: Readable): Promise<number> {
  try {
    await write(filesSchema.parse(JSON.parse(await text(input))));
    return 0;
  } catch (error) {
    process.stderr.write(`${messageOf(error)}\n`);
    return 1;
  }
}

async function write(files: z.infer<typeof filesSchema>): Promise<void> {
  for (const { path, content, mode } of files) await writeOne(path, Buffer.from(content, 'base64'), mode);
}

async function writeOne(path: string, wanted: Buffer, mode: number): Promise<void> {
  const there = await readFile(path).catch(() => null);
  if (there?.equals(wanted) === true) {
    if (((await stat(path)).mode & 0o777) !== mode) await chmod(path, mode);
    return;
  }
  await mkdir(dirname(path), { recursive: true });
  const fresh = `${path}.deploy-bg-new`;
  await writeFile(fresh, wanted, { mode: 0o600 });
  await chmod(fresh, mode);
  await rename(fresh, path);
}
