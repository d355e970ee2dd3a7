/** The HTTP status that the engine answered with; null if it did not answer. */
export function statusCode(error: unknown): number | null {
  const code: unknown = typeof error === 'object' && error !== null && 'statusCode' in error ? error.statusCode : null;
  return typeof code === 'number' ? code : null;
}
