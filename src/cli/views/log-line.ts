import type { LogView } from '../../app/logs.ts';
import type { Style } from '../style.ts';

/** `v2 green  web-1 | what it wrote`. */
export function logView({ version, color, service, container, text }: LogView, { paint }: Style): string {
  const side = [version ?? '?', ...(color === null ? [] : [color])].join(' ');
  const replica = `${service}-${/(\d+)$/.exec(container)?.[1] ?? '?'}`;
  const painted = color === 'green' ? paint.green : color === 'blue' ? paint.blue : paint.cyan;
  return `${painted(`${side}  ${replica} |`)} ${text}`;
}
