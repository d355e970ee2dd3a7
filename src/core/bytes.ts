const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB'] as const;

/** For people: `512 MiB`, `1.5 GiB`. */
export function formatBytes(bytes: number): string {
  const power = bytes < 1 ? 0 : Math.min(UNITS.length - 1, Math.floor(Math.log2(bytes) / 10));
  const amount = bytes / 1024 ** power;
  return `${String(amount < 10 ? Math.round(amount * 10) / 10 : Math.round(amount))} ${UNITS[power] ?? 'B'}`;
}
