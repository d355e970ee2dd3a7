import { DeployError, type ErrorCode } from '../../core/errors.ts';
import { formatDuration } from '../../core/duration.ts';

/** The result of work that ends in time. @throws the code, if it does not */
export async function inTime<T>(ms: number, what: string, code: ErrorCode, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(new DeployError(code, { what: `${what} did not end within ${formatDuration(ms)}` }));
    }, ms);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
