import type { Match } from '../../../core/observed.ts';
import { NONE } from '../route-text.ts';

/** Between two conditions; no value that may be matched by has it. */
const SEPARATOR = '\t';

/**
 * A match as the generated configuration reads it at each request: the placeholder of what is compared, and the value
 * that it must have. Neither names nor values are part of the configuration, so that any match opens without a reload.
 */
export function conditionText(match: Match | undefined): string {
  if (match === undefined) return NONE;
  const pairs = (placeholder: string, values: Readonly<Record<string, string>>): string[] =>
    Object.entries(values).map(([name, value]) => `http.request.${placeholder}.${name}=${value}`);
  return [...pairs('header', match.headers), ...pairs('cookie', match.cookies)].toSorted().join(SEPARATOR);
}

/**
 * What Caddy evaluates at each request: true if all conditions in a file hold, false while it says `none`. The file is
 * read once, by a list of one element: a switch between two readings would make a third thing of both.
 */
export function matchExpression(file: string): string {
  const holds = "ph(req, condition.split('=', 2)[0]) == condition.split('=', 2)[1]";
  return `[ph(req, 'file.${file}')].exists(said, said != '${NONE}' && said.split('\\t').all(condition, ${holds}))`;
}
