import semver from 'semver';
import { parseImage } from './image-reference.ts';

/** Hours of a day in which updates may begin; `from` after `to` goes over midnight. */
export interface UpdateWindow {
  /** Minutes since midnight. */
  readonly from: number;
  /** Minutes since midnight, not included. */
  readonly to: number;
}

/** What is kept up to date, and how (`x-deploy-bg.update`). */
export interface UpdateSpec {
  /** The service whose image decides; null: those of all replaced services. */
  readonly image: string | null;
  /** Versions that may be deployed, as a semver range; null: one version, whose tag may move. */
  readonly range: string | null;
  /** That one version; null: the one that serves. */
  readonly version: string | null;
  /** Cron expression of five fields; null: whoever calls has a schedule of his own. */
  readonly schedule: string | null;
  readonly window: UpdateWindow | null;
}

/** `22:00-06:30`; null if it is no window. Equal ends are none: that is never, or always. */
export function parseWindow(text: string): UpdateWindow | null {
  const match = /^(\d\d):(\d\d)-(\d\d):(\d\d)$/.exec(text.replaceAll(' ', ''));
  if (match === null) return null;
  const [hour = 0, minute = 0, toHour = 0, toMinute = 0] = match.slice(1).map(Number);
  if (hour > 23 || toHour > 24 || minute > 59 || toMinute > 59) return null;
  const [from, to] = [hour * 60 + minute, toHour * 60 + toMinute];
  return from === to || to > 1440 ? null : { from, to };
}

/** @param minute of the day, 0 to 1439 */
export function isWithin({ from, to }: UpdateWindow, minute: number): boolean {
  return from < to ? minute >= from && minute < to : minute >= from || minute < to;
}

/** As people write it. */
export function windowText({ from, to }: UpdateWindow): string {
  const clock = (minutes: number): string =>
    `${String(Math.floor(minutes / 60)).padStart(2, '0')}:${String(minutes % 60).padStart(2, '0')}`;
  return `${clock(from)}-${clock(to)}`;
}

/** What stands around the version in an image's tag: `app-` and `-alpine` of `app-${VERSION}-alpine`. */
export interface TagForm {
  readonly before: string;
  readonly after: string;
}

/** Null if the tag does not hold the version, or holds it twice: nobody could tell which is meant. */
export function tagForm(image: string, version: string): TagForm | null {
  const parts = parseImage(image).tag.split(version);
  const [before, after] = parts;
  return parts.length !== 2 || before === undefined || after === undefined ? null : { before, after };
}

/**
 * The newest version in a range among the tags of a repository, as it is written there; null if there is none.
 * Versions before a release (`1.2.0-rc.1`) count only where the range names one (semver's own rule).
 */
export function newestVersion(tags: readonly string[], { before, after }: TagForm, range: string): string | null {
  const versions = tags
    .filter((tag) => tag.startsWith(before) && tag.endsWith(after) && tag.length > before.length + after.length)
    .map((tag) => tag.slice(before.length, tag.length - after.length));
  return semver.maxSatisfying(versions.filter(isVersion), range);
}

/** True if a version comes after another one, and that is one: what is no version is nobody's predecessor. */
export function isNewer(version: string, than: string): boolean {
  return isVersion(than) && semver.gt(version, than);
}

export function isRange(text: string): boolean {
  return semver.validRange(text) !== null;
}

function isVersion(text: string): boolean {
  return semver.valid(text) !== null;
}
