import {
  chmodSync,
  chownSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmdirSync,
  rmSync,
  statSync,
  writeFileSync,
  mkdirSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { FileChange } from '../config/init/proposal.ts';
import { DeployError, messageOf } from '../core/errors.ts';

/** Where a file or folder of the host is mounted. */
export interface MountPlace {
  readonly service: string;
  readonly source: string;
  readonly target: string;
}

/** A text that a service has by a mount. */
export interface MountedText {
  readonly service: string;
  readonly path: string;
  readonly target: string;
  readonly text: string;
}

/** Configuration is short, and no deeper than `sites-enabled/shop/`. */
const LONGEST = 256 * 1024;
const DEEPEST = 3;

/** The texts at mounted places; what is not there, or not to be read, is left out. */
export function readMounted(places: readonly MountPlace[]): readonly MountedText[] {
  return places.flatMap((place) => textsAt(place, 0));
}

function textsAt({ service, source, target }: MountPlace, depth: number): readonly MountedText[] {
  const stats = statSync(source, { throwIfNoEntry: false });
  if (stats?.isDirectory() === true && depth < DEEPEST)
    return namesIn(source).flatMap((name) =>
      textsAt({ service, source: join(source, name), target: join(target, name) }, depth + 1),
    );
  if (stats?.isFile() !== true || stats.size > LONGEST) return [];
  const text = readText(source);
  return text === null ? [] : [{ service, path: source, target, text }];
}

/** The names in a folder; none if it cannot be read. */
export function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder).toSorted();
  } catch {
    return [];
  }
}

/** Byte by byte what would be written again: nothing in another encoding. */
function readText(path: string): string | null {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(readFileSync(path));
  } catch {
    return null;
  }
}

/**
 * Writes all of the files, or none: a reader sees the old or the new one whole, and its mode stays.
 * @throws not-possible, also if one of them is not any more what was read
 */
export function writeAll(changes: readonly FileChange[]): void {
  const other = changes.find(({ file, before }) => readText(file) !== before);
  if (other !== undefined)
    throw new DeployError('not-possible', {
      what: `${other.file} is not what it was a moment ago`,
      next: 'run docker-deploy-bg init again: it reads what is there now',
    });
  const done: FileChange[] = [];
  try {
    for (const change of changes) {
      writeWhole(change.file, change.after);
      done.push(change);
    }
  } catch (error) {
    takeBack(done);
    throw new DeployError('not-possible', {
      what: `the files cannot be written: ${messageOf(error)}`,
      next: 'make them writable, or write what --dry-run shows',
    });
  }
}

/** Puts the files back as they were. */
export function takeBack(changes: readonly FileChange[]): void {
  for (const { file, before } of changes)
    if (before === null) removeNew(file);
    else writeWhole(file, before);
}

/** With its folder, if that was new, too: a folder with something in it stays. */
function removeNew(file: string): void {
  rmSync(file, { force: true });
  try {
    rmdirSync(dirname(file));
  } catch {
    // Not empty: it is somebody's.
  }
}

/** Through a link: it is the file behind it that people edit. */
function writeWhole(path: string, text: string): void {
  const there = statSync(path, { throwIfNoEntry: false });
  const real = there === undefined ? path : realpathSync(path);
  makeFolders(dirname(real));
  const temporary = join(dirname(real), `.${basename(real)}.new`);
  rmSync(temporary, { force: true });
  writeFileSync(temporary, text, { flag: 'wx' });
  if (there !== undefined) chmodSync(temporary, there.mode);
  giveToOwner(temporary, there ?? statSync(dirname(real)));
  renameSync(temporary, real);
}

/** New folders belong to whom the one belongs that they are made in. */
function makeFolders(folder: string): void {
  if (statSync(folder, { throwIfNoEntry: false }) !== undefined) return;
  makeFolders(dirname(folder));
  mkdirSync(folder);
  giveToOwner(folder, statSync(dirname(folder)));
}

/** What root writes belongs to whom the file belonged to, or the folder. */
function giveToOwner(path: string, { uid, gid }: { readonly uid: number; readonly gid: number }): void {
  if (process.getuid?.() === 0) chownSync(path, uid, gid);
}
