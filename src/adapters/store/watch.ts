import { watch } from 'node:fs';

/** Calls back when something changes in a folder. One that cannot be watched costs only time: who waits looks now and then. */
export function watchFolder(folder: string, changed: () => void, signal: AbortSignal): void {
  try {
    watch(folder, { signal, persistent: false }, changed).on('error', () => undefined);
  } catch {
    return;
  }
}
