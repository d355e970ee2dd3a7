import { randomBytes } from 'node:crypto';
import type { Ids } from '../../app/ports.ts';

/** Ids that sort by time and can be read aloud: `20261121-103205-3f9a`. */
export const timedIds: Ids = {
  release: () => timedId(),
  rollout: () => timedId(),
};

function timedId(): string {
  const [day = '', time = ''] = new Date().toISOString().replace(/[-:]/g, '').split(/[T.]/);
  return `${day}-${time}-${randomBytes(2).toString('hex')}`;
}
