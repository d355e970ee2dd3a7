import { fingerprint } from './template.ts';

/** What the proxy’s files say about themselves: one of them holds a fingerprint of all. */
export interface Written {
  /** By file; null for one that is gone. */
  readonly contents: Readonly<Record<string, string | null>>;
  /** The one with the fingerprint. */
  readonly signed: string;
  /** What stands for the fingerprint while it is made. */
  readonly unsigned: string;
}

const SIGNATURE = /config ([0-9a-f]{16})/;

/** The fingerprint in a file that holds one; null if it does not. */
export function signatureOf(text: string): string | null {
  return SIGNATURE.exec(text)?.[1] ?? null;
}

/** Where files and proxy do not fit together; the files are in the order in which their fingerprint is made. */
export function integrityFaults({ contents, signed, unsigned }: Written, proxy: string, loaded: string): string[] {
  const gone = Object.keys(contents).filter((file) => contents[file] == null);
  if (gone.length > 0) return gone.map((file) => `the proxy’s generated file ${file} is gone`);
  const digest = signatureOf(contents[signed] ?? '') ?? '';
  const texts = Object.entries(contents).map(([file, text]) =>
    file === signed && digest !== '' ? (text ?? '').replaceAll(digest, unsigned) : (text ?? ''),
  );
  return [
    ...(fingerprint(texts) === digest ? [] : ['the proxy’s generated files were changed by hand']),
    ...(loaded === digest ? [] : [`${proxy} works by another configuration than its files say`]),
  ];
}
