import type { Directive } from './nginx-text.ts';

/** What route.conf says itself (templates/nginx/route.conf.hbs), and what nginx takes only once in a place. */
const SAID = new Set(['proxy_pass', 'proxy_http_version', 'proxy_buffering']);
/** The same of limits, and what they are there. */
const LIMITS: Readonly<Record<string, string>> = {
  proxy_connect_timeout: '900ms',
  proxy_read_timeout: '1h',
  proxy_send_timeout: '1h',
};
type Same = (value: string) => boolean;
const is =
  (...values: readonly string[]): Same =>
  (value) =>
    values.includes(value);

/** Which values of them mean what ours do. */
const SAID_HEADERS: Readonly<Record<string, Same>> = {
  host: is('$host', '$http_host'),
  'x-real-ip': is('$remote_addr'),
  'x-forwarded-for': is('$proxy_add_x_forwarded_for'),
  'x-forwarded-host': is('$host', '$http_host'),
  'x-forwarded-proto': is('$scheme'),
  upgrade: is('$http_upgrade'),
  connection: () => true,
};
const SAID_OTHERWISE: Readonly<Record<string, Same>> = {
  proxy_buffering: is('off'),
  proxy_read_timeout: isWithinAnHour,
  proxy_send_timeout: isWithinAnHour,
};

function isWithinAnHour(value: string): boolean {
  const [, number = '', unit = 's'] = /^(\d+)(ms|s|m|h)?$/.exec(value) ?? [];
  const seconds = { ms: 0.001, s: 1, m: 60, h: 3600 }[unit] ?? NaN;
  return Number(number || NaN) * seconds <= 3600;
}

export function isSaidHeader({ name, args }: Directive): boolean {
  return name === 'proxy_set_header' && (args[0] ?? '').toLowerCase() in SAID_HEADERS;
}

/** True if the generated file says it as well, whatever its value. */
export function isSaid(directive: Directive): boolean {
  return SAID.has(directive.name) || directive.name in LIMITS || isSaidHeader(directive);
}

/** True if the generated file says it as well, and something else by it. */
export function meansOtherwise({ name, args }: Directive): boolean {
  const [header = '', ...values] = name === 'proxy_set_header' ? args : ['', ...args];
  const isSame = header === '' ? SAID_OTHERWISE[name] : SAID_HEADERS[header.toLowerCase()];
  return isSame?.(values.join(' ').replace(/^(['"])(.*)\1$/, '$2')) === false;
}

/** `proxy_read_timeout 60s is 1h there`; null if it is no limit, or the same one. */
export function otherLimit(directive: Directive): string | null {
  const ours = LIMITS[directive.name];
  return ours === undefined || directive.args[0] === ours ? null : `${textOf(directive)} is ${ours} there`;
}

export function textOf({ name, args }: Directive): string {
  return [name, ...args].join(' ');
}
