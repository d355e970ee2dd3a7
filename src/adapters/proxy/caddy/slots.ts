import { symlinkSync } from 'node:fs';
import { chmod, mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Backend, RouteState } from '../../../core/observed.ts';
import { ownStats } from '../../system/own-files.ts';
import { makeFolder, namesIn, readIfThere, syncFolder, writeNew } from '../files.ts';
import { States } from '../states.ts';
import { stickySides } from '../sides.ts';
import {
  backendsText,
  matchedText,
  NONE,
  parseBackends,
  parseMatched,
  parseSticky,
  stickyText,
} from '../route-text.ts';
import { conditionText } from './condition.ts';
import { MATCHED_SLOTS, SLOTS, spread, spreadForward } from './spread.ts';

/** The link that the proxy's configuration names; a switch is its atomic rename, for all routes at once. */
export const SLOTS_LINK = 'slots';
/** Says which slot is linked to which file of the same folder. */
const LAYOUT_FILE = 'layout';
/** Dialled by nobody, because the route answers 503 then; but a slot never is without a well-formed address. */
const NOBODY = 'no-backend.invalid:9';

/** What the files of a service say about its requests. */
export type Traffic = Pick<RouteState, 'backends' | 'matched' | 'sticky'>;

/** The traffic of each service, as its files say it. */
export type SlotTable = ReadonlyMap<string, Traffic>;

export function slotTable(routes: readonly RouteState[]): SlotTable {
  return new Map(
    routes.map(({ service, backends, matched, sticky }) => [
      service,
      { backends, ...(matched === undefined ? {} : { matched }), ...(sticky === undefined ? {} : { sticky }) },
    ]),
  );
}

/** `000` to the last slot. */
export function slotNames(): readonly string[] {
  return Array.from({ length: SLOTS }, (_, index) => String(index).padStart(3, '0'));
}

/** `matched-00` to the last slot of the requests that match. */
export function matchedSlotNames(): readonly string[] {
  return Array.from({ length: MATCHED_SLOTS }, (_, index) => `matched-${String(index).padStart(2, '0')}`);
}

/** The address in each slot of a route. */
export function slotAddresses(traffic: Traffic): readonly string[] {
  const sides = stickySides(traffic);
  if (sides === null) return addresses(traffic.backends, SLOTS);
  return spreadForward(sides, SLOTS, traffic.sticky?.key ?? '').map(addressOf);
}

/**
 * The address in each slot of the requests that match. Where none do, they are those of all others: a request that
 * matched when it came and is sent on after the switch finds somebody.
 */
export function matchedSlotAddresses({ backends, matched }: Traffic): readonly string[] {
  return addresses(matched?.backends ?? backends, MATCHED_SLOTS);
}

function addresses(backends: readonly Backend[], slots: number): readonly string[] {
  if (backends.length === 0) return Array.from({ length: slots }, () => NOBODY);
  return spread(backends, slots).map((index) => {
    const backend = backends[index];
    return backend === undefined ? NOBODY : addressOf(backend);
  });
}

function addressOf({ container, port }: Backend): string {
  return `${container}:${port}`;
}

/** `on` while clients stay on the side that they got. */
export function stickingText(traffic: Traffic): string {
  return stickySides(traffic) === null ? 'off' : 'on';
}

/** What the files say, whatever the proxy may do; a service whose file is damaged is left out. */
export async function readSlots(output: string): Promise<SlotTable> {
  const state = await slotStates(output).current();
  const table = new Map<string, Traffic>();
  if (state === null) return table;
  const folder = join(output, state);
  for (const service of await namesIn(folder)) {
    const traffic = await readTraffic(join(folder, service));
    if (traffic !== null) table.set(service, traffic);
  }
  return table;
}

async function readTraffic(folder: string): Promise<Traffic | null> {
  const read = (file: string): Promise<string | null> => readIfThere(join(folder, file));
  const [text, matchedOf, stickyOf] = [await read('backends'), await read('matched'), await read('sticky')];
  const backends = text === null ? null : parseBackends(text);
  const matched = parseMatched(matchedOf ?? NONE);
  const sticky = parseSticky(stickyOf ?? NONE);
  if (backends === null) return null;
  return { backends, ...(matched === null ? {} : { matched }), ...(sticky === null ? {} : { sticky }) };
}

/** Makes the table the one the proxy works by, in one rename. */
export async function writeSlots(output: string, table: SlotTable): Promise<void> {
  await slotStates(output).change(async (folder) => {
    const gone = (await namesIn(folder)).filter((service) => !table.has(service));
    await Promise.all(gone.map((service) => rm(join(folder, service), { recursive: true })));
    await Promise.all([...table].map(([service, traffic]) => writeService(join(folder, service), traffic)));
  });
}

/** The states of all slots. */
export function slotStates(output: string): States {
  return new States(output, SLOTS_LINK);
}

/**
 * Slots are links to one file a backend: that is two files to make durable instead of a hundred. Which slot belongs to
 * which backend is the same from one version to the next as a rule, and then the links of an old state serve again.
 */
async function writeService(folder: string, traffic: Traffic): Promise<void> {
  await ownStats(folder);
  const inSlots = [...slotAddresses(traffic), ...matchedSlotAddresses(traffic)];
  const files = [...new Set(inSlots)];
  await layOut(
    folder,
    inSlots.map((address) => `backend-${String(files.indexOf(address))}`),
  );
  const texts: Readonly<Record<string, string>> = {
    state: traffic.backends.length === 0 ? 'off' : 'on',
    backends: backendsText(traffic.backends),
    match: conditionText(traffic.matched?.match),
    matched: matchedText(traffic.matched),
    sticking: stickingText(traffic),
    sticky: stickyText(traffic.sticky),
  };
  await Promise.all([
    ...files.map((address, index) => writeOther(join(folder, `backend-${String(index)}`), address)),
    ...Object.entries(texts).map(([file, text]) => writeOther(join(folder, file), text)),
  ]);
  await syncFolder(folder);
}

/** Most files of an old state say what they shall say: making one durable takes longer than all the rest. */
async function writeOther(path: string, text: string): Promise<void> {
  if ((await readIfThere(path)) !== text) await writeNew(path, text);
}

/** Links every slot to its file, unless it is so already. What says so is written last, and removed first. */
async function layOut(folder: string, targets: readonly string[]): Promise<void> {
  const layout = targets.join(' ');
  if ((await readIfThere(join(folder, LAYOUT_FILE))) === layout) return;
  await rm(folder, { recursive: true, force: true });
  await makeFolder(folder);
  const names = [...slotNames(), ...matchedSlotNames()];
  // A hundred tiny calls: waiting for each on the thread pool would take ten times as long as doing them.
  targets.forEach((target, index) => {
    symlinkSync(target, join(folder, names[index] ?? ''));
  });
  await writeNew(join(folder, LAYOUT_FILE), layout);
}

/** A folder in which the proxy, whoever it runs as, makes and removes files: its socket, its log. */
export async function makeSharedFolder(path: string): Promise<void> {
  if ((await ownStats(path)) === null) await mkdir(path, { recursive: true });
  // A folder of another user is one that the proxy made, or an earlier run as root: usable as it is.
  await chmod(path, 0o777).catch(() => undefined);
}
