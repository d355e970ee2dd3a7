import { constants } from 'node:fs';
import { lstat, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Millis } from '../../../core/observed.ts';
import { openOwn, ownStats } from '../../system/own-files.ts';
import { isAbsent, makeFolder, namesIn } from '../files.ts';
import { LOG_FILE, LOG_FOLDER } from '../log-place.ts';

/** What a server includes to have its requests logged for us. */
export const LOG_INCLUDE_FILE = 'access-log.conf';

/** A longer log is emptied. */
export const LOG_LIMIT = 16 * 1024 * 1024;

/**
 * nginx writes while there is a file that is named after the present hundred seconds, which is asked at each request.
 * So the log ends by itself soon after we did, however that was, and nothing has to be reloaded for it.
 */
const WINDOW_MS = 100_000;
const WINDOWS_AHEAD = 3;
const WINDOW_FILE = /^on-(\d+)$/;

/** Says that the configuration that nginx tested last has the log. */
const INCLUDED_FILE = 'included';

/** The hundred seconds in `$msec`, which has ten digits before its point for the next two centuries. */
export const WINDOW_PATTERN = String.raw`\d{8}`;

const APPENDING = constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT;

/** Has nginx write for some minutes from now on. */
export async function keepLogging(output: string, now: Millis): Promise<void> {
  const folder = join(output, LOG_FOLDER);
  const present = Math.floor(now / WINDOW_MS);
  const names = await namesIn(folder);
  const known = names.flatMap((name) => WINDOW_FILE.exec(name)?.[1] ?? []).map(Number);
  const wanted = Array.from({ length: WINDOWS_AHEAD + 1 }, (_, index) => present + index);
  await makeFolder(folder);
  await Promise.all([
    ...wanted.filter((window) => !known.includes(window)).map((window) => touch(join(folder, `on-${String(window)}`))),
    ...known
      .filter((window) => window < present)
      .map((window) => rm(join(folder, `on-${String(window)}`), { force: true })),
  ]);
}

/** The log exists before nginx opens it: then it is ours to empty, whoever nginx runs as. */
export async function prepareLog(output: string): Promise<void> {
  const path = join(output, LOG_FOLDER, LOG_FILE);
  await makeFolder(join(output, LOG_FOLDER));
  const there = await ownStats(path);
  if (there !== null && there.size <= LOG_LIMIT) return;
  const log = await openOwn(path, APPENDING);
  try {
    if (there === null) await log.chmod(0o666);
    else await log.truncate();
  } finally {
    await log.close();
  }
}

/** Remembers what `nginx -T` said: whether it has the log. */
export async function rememberIncluded(output: string, included: boolean): Promise<void> {
  const path = join(output, LOG_FOLDER, INCLUDED_FILE);
  if (included) await touch(path);
  else await rm(path, { force: true });
}

export async function isLogIncluded(output: string): Promise<boolean> {
  return lstat(join(output, LOG_FOLDER, INCLUDED_FILE)).then(
    () => true,
    (error: unknown) => {
      if (isAbsent(error)) return false;
      throw error;
    },
  );
}

/** What nginx does where its workers are kept out. */
export function closedLog(output: string) {
  return {
    code: 'W06',
    message: `the workers of nginx may not enter ${output}: each request leaves an error in nginx’s log, and checks by \`builtin\` see nothing`,
    hint: 'let them in (`namei -l` names the folder that is closed), or set proxy.output to a folder outside of the project’s',
  };
}

async function touch(path: string): Promise<void> {
  await (await openOwn(path, APPENDING)).close();
}
