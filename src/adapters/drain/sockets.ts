import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** One established TCP connection, as the kernel of a network namespace shows it. */
export interface Connection {
  readonly localAddress: string;
  readonly localPort: number;
  readonly remoteAddress: string;
  readonly remotePort: number;
  /** Who has it. */
  readonly uid: number;
}

export interface Sockets {
  readonly established: readonly Connection[];
  /** Local ports that somebody listens on: connections on these were accepted, all others were opened. */
  readonly listening: ReadonlySet<number>;
}

const ESTABLISHED = '01';
const LISTEN = '0A';

/** The sockets in the text of `/proc/<pid>/net/tcp` or `tcp6`. Pure; lines that are no sockets are skipped. */
export function parseSockets(table: string): Sockets {
  const rows = table.split('\n').flatMap(parseRow);
  const inState = (wanted: string): readonly Connection[] =>
    rows.filter(({ state }) => state === wanted).map(({ connection }) => connection);
  return {
    established: inState(ESTABLISHED),
    listening: new Set(inState(LISTEN).map(({ localPort }) => localPort)),
  };
}

/**
 * The sockets in the network namespace of a process; null if they cannot be read (no such process, another pid
 * namespace), which is not the same as none.
 */
export async function readSockets(pid: number, proc = '/proc'): Promise<Sockets | null> {
  const tables = await Promise.all(['tcp', 'tcp6'].map((name) => readTable(join(proc, String(pid), 'net', name))));
  const [v4, v6] = tables;
  if (v4 === undefined || v4 === null) return null;
  // Without IPv6 in the kernel there is no second table.
  const [four, six] = [parseSockets(v4), parseSockets(v6 ?? '')];
  return {
    established: [...four.established, ...six.established],
    listening: new Set([...four.listening, ...six.listening]),
  };
}

function readTable(path: string): Promise<string | null> {
  return readFile(path, 'utf8').catch(() => null);
}

function parseRow(line: string): { readonly state: string; readonly connection: Connection }[] {
  const [, local, remote, state, , , , uid] = line.trim().split(/\s+/);
  const from = parseEnd(local);
  const to = parseEnd(remote);
  if (state === undefined || from === null || to === null) return [];
  const connection = {
    localAddress: from.address,
    localPort: from.port,
    remoteAddress: to.address,
    remotePort: to.port,
    uid: Number(uid),
  };
  return [{ state, connection }];
}

function parseEnd(text: string | undefined): { readonly address: string; readonly port: number } | null {
  const parts = /^([0-9A-F]{8}|[0-9A-F]{32}):([0-9A-F]{4})$/.exec(text ?? '');
  if (parts === null) return null;
  return { address: parseAddress(parts[1] ?? ''), port: Number.parseInt(parts[2] ?? '', 16) };
}

/** The kernel prints 32-bit words in the byte order of the machine; all that Docker runs on are little-endian. */
function parseAddress(hex: string): string {
  const words = hex.match(/.{8}/g) ?? [];
  const bytes = words.flatMap((word) => (word.match(/../g) ?? []).toReversed());
  if (bytes.length === 4) return dotted(bytes);
  const mapped = bytes.slice(0, 12).join('') === '00000000000000000000FFFF';
  return mapped ? dotted(bytes.slice(12)) : ipv6(bytes);
}

function dotted(bytes: readonly string[]): string {
  return bytes.map((byte) => Number.parseInt(byte, 16)).join('.');
}

/** In the short form that Docker uses: lower case, the longest run of zeros as `::`. */
function ipv6(bytes: readonly string[]): string {
  const groups = Array.from({ length: 8 }, (_, index) =>
    Number.parseInt(`${bytes[index * 2] ?? ''}${bytes[index * 2 + 1] ?? ''}`, 16).toString(16),
  );
  return new URL(`http://[${groups.join(':')}]`).hostname.slice(1, -1);
}
