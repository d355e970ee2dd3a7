const HEADER = 8;

/**
 * Text of a log without the engine's stream frames (8 bytes of header with the length in the last four; Docker
 * Engine API, "Stream format").
 */
export function demultiplexed(output: Buffer): string {
  const parts: Buffer[] = [];
  let at = 0;
  while (at + HEADER <= output.length) {
    const length = output.readUInt32BE(at + 4);
    parts.push(output.subarray(at + HEADER, at + HEADER + length));
    at += HEADER + length;
  }
  return Buffer.concat(parts).toString('utf8');
}
