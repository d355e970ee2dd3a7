import type { Match } from '../../../core/observed.ts';

/** One condition of a match, for a `map`: what is compared, and the pattern that it must have. */
export interface Condition {
  readonly source: string;
  readonly pattern: string;
}

/**
 * The conditions of a match. They are patterns because nginx compares plain texts without regard to case, and every
 * character that is not a letter or a digit is written as its number, so that none of them means anything.
 */
export function conditionsOf({ headers, cookies }: Match): readonly Condition[] {
  return [
    ...Object.entries(headers).map(([name, value]) => ({
      source: `$http_${name.toLowerCase().replaceAll('-', '_')}`,
      pattern: `~^${literal(value)}$`,
    })),
    // Cookies of any name: `$cookie_NAME` knows only letters, digits and underscores.
    ...Object.entries(cookies).map(([name, value]) => ({
      source: '$http_cookie',
      pattern: `~(?:^|; *)${literal(`${name}=${value}`)} *(?:;|$)`,
    })),
  ];
}

function literal(text: string): string {
  return text.replaceAll(/[^A-Za-z0-9]/g, (character) => `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`);
}
