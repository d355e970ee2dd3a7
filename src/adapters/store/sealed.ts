import { crc32 } from 'node:zlib';

/**
 * JSON with a checksum of itself as its last member, so that one changed bit is seen: half of them would give other
 * JSON of the same shape.
 */
export function sealed(value: object): string {
  const text = JSON.stringify(value);
  return `${text.slice(0, -1)},"sum":"${sumOf(text)}"}`;
}

const SEAL = /,"sum":"([0-9a-f]{8})"\}$/;
/** One that a changed bit has made another word of: nothing else that we write ends like this. */
const BROKEN_SEAL = /,"(?:sum":"[^"]{8}|[^"]{3}":"[0-9a-f]{8})"\}$/;

/** The JSON without its checksum. What has none was written by an earlier version. */
export function unsealed(text: string): { readonly json: string; readonly isIntact: boolean } {
  const seal = SEAL.exec(text);
  if (seal === null) return { json: text, isIntact: !BROKEN_SEAL.test(text) };
  const json = `${text.slice(0, seal.index)}}`;
  return { json, isIntact: sumOf(json) === seal[1] };
}

function sumOf(text: string): string {
  return crc32(text).toString(16).padStart(8, '0');
}
