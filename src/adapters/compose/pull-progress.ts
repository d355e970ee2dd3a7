import type { Fetching } from '../../core/events.ts';

/** ` e6c3a0e7d15e Downloading [====>    ]  36.57MB/40MB`, as Compose prints it where there is no terminal. */
const LAYER =
  /^([0-9a-f]{12}) (Pulling fs layer|Waiting|Downloading|Verifying Checksum|Download complete|Extracting)\b(.*)$/;
const AMOUNTS = /([\d.]+)([kMGT]?)B\/([\d.]+)([kMGT]?)B/;
/** Docker counts in thousands here. */
const UNITS: Readonly<Record<string, number>> = { '': 1, k: 1e3, M: 1e6, G: 1e9, T: 1e12 };

interface Layer {
  readonly doneBytes: number;
  /** Null until its download begins. */
  readonly totalBytes: number | null;
  readonly isHere: boolean;
}

/** What the lines of a `docker compose pull` say of how far it is. */
export class PullProgress {
  readonly #service: string;
  readonly #layers = new Map<string, Layer>();
  #told = '';

  constructor(service: string) {
    this.#service = service;
  }

  /** @returns what is new for people: something else begins, or a hundredth more is done; null otherwise */
  read(line: string): Fetching | null {
    const [, id, status, rest = ''] = LAYER.exec(line.trim()) ?? [];
    if (id === undefined || status === undefined) return null;
    this.#layers.set(id, layerAfter(this.#layers.get(id), status, rest));
    const news = this.#now();
    const hundredth = Math.floor((100 * news.doneBytes) / (news.totalBytes ?? 1e8));
    const told = `${news.doing} ${String(hundredth)}`;
    if (news.doneBytes === 0 || told === this.#told) return null;
    this.#told = told;
    return news;
  }

  #now(): Fetching {
    const layers = [...this.#layers.values()];
    const isKnown = layers.every(({ totalBytes }) => totalBytes !== null);
    return {
      service: this.#service,
      doing: layers.every(({ isHere }) => isHere) ? 'unpacking' : 'downloading',
      doneBytes: sum(layers.map(({ doneBytes }) => doneBytes)),
      totalBytes: isKnown ? sum(layers.map(({ totalBytes }) => totalBytes ?? 0)) : null,
    };
  }
}

function layerAfter(before: Layer | undefined, status: string, rest: string): Layer {
  const { doneBytes, totalBytes } = before ?? { doneBytes: 0, totalBytes: null };
  const [, done = '', doneUnit = '', total = '', totalUnit = ''] = AMOUNTS.exec(rest) ?? [];
  if (status === 'Downloading' && total !== '')
    return { doneBytes: bytes(done, doneUnit), totalBytes: bytes(total, totalUnit), isHere: false };
  const isHere = !['Pulling fs layer', 'Waiting', 'Downloading'].includes(status);
  return isHere
    ? { doneBytes: totalBytes ?? 0, totalBytes: totalBytes ?? 0, isHere }
    : { doneBytes, totalBytes, isHere };
}

function bytes(amount: string, unit: string): number {
  return Number(amount) * (UNITS[unit] ?? 1);
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((all, each) => all + each, 0);
}
