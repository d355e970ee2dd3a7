import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { chmod, chown, lstat, readFile, rename, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { contentSources, definitionText, type ContentSource } from '../../config/identity.ts';
import { mapping, text, unescaped } from '../../config/model.ts';
import type { ComposeModel, Models, Project } from '../../core/project.ts';
import { createOwn, makeOwnFolder } from '../system/own-files.ts';

const FILE_MODE = 0o600;
const FOLDER_MODE = 0o700;

/** SHA-256 of a text or of a file's bytes, in hex. */
export function digest(content: string | Buffer): string {
  return createHash('sha256').update(content).digest('hex');
}

/** Hash of what a service is made of: definition, image, and the contents of its secrets and configs. */
export function serviceIdentity(project: Project, service: string, imageId: string): string {
  const contents = contentSources(project.models, [service]).map((source) => [
    source.kind,
    source.key,
    source.environment === null ? null : (project.environmentValues[source.environment] ?? null),
    source.file === null ? null : fileDigest(unescaped(source.file)),
  ]);
  return digest(JSON.stringify([definitionText(project.models, service), imageId, contents]));
}

// A file that cannot be read now fails when it is copied, with its name; here it is only different from any content.
function fileDigest(path: string): string | null {
  try {
    return digest(readFileSync(path));
  } catch {
    return null;
  }
}

/** Where a release keeps its copy of a file, whichever color uses it. */
function copyPath(folder: string, kind: string, key: string, file: string): string {
  return join(folder, kind, `${key}-${digest(file).slice(0, 12)}`);
}

/** The copy of a file-backed secret or config in a release's folder; null if it is not backed by a file. */
export function copyOf(folder: string, model: ComposeModel, kind: 'secrets' | 'configs', key: string): string | null {
  const file = text(mapping(mapping(model[kind])[key])['file']);
  return file === null ? null : copyPath(folder, kind, key, unescaped(file));
}

/**
 * Copies the file-backed secrets and configs of both colors with owner and mode. What is copied already stays: a
 * release keeps the contents that it was made with.
 */
export async function copyFiles(folder: string, models: Models, services: readonly string[]): Promise<void> {
  const backed = contentSources(models, services).filter(isFileBacked);
  for (const { kind, key, file } of backed) {
    const path = unescaped(file);
    await copyOnce(path, copyPath(folder, kind, key, path));
  }
}

function isFileBacked(source: ContentSource): source is ContentSource & { file: string } {
  return source.file !== null;
}

async function copyOnce(from: string, to: string): Promise<void> {
  const exists = await lstat(to).then(
    () => true,
    () => false,
  );
  if (exists) return;
  const { mode, uid, gid } = await stat(from);
  await makeOwnFolder(dirname(to), FOLDER_MODE);
  const temporary = await writeNew(to, await readFile(from));
  // Only root can give files away; anybody else can only have read what is theirs or open to all.
  await chown(temporary, uid, gid).catch(() => undefined);
  await chmod(temporary, mode & 0o7777);
  await rename(temporary, to);
}

/** Writes a file that is either whole or not there, for the owner's eyes only. */
export async function writeWhole(path: string, content: string): Promise<void> {
  await makeOwnFolder(dirname(path), FOLDER_MODE);
  await rename(await writeNew(path, content), path);
}

/** The path of a file that is on the disk, and waits for its name. */
async function writeNew(path: string, content: string | Buffer): Promise<string> {
  const temporary = `${path}.new`;
  const file = await createOwn(temporary, FILE_MODE);
  try {
    await file.writeFile(content);
    await file.sync();
  } finally {
    await file.close();
  }
  return temporary;
}
