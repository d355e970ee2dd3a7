import type { DisagreementView, LeftoverView, StatusView } from '../../app/status-view.ts';
import type { Style } from '../style.ts';
import { statusTable } from './status-table.ts';
import { rolloutText } from './rollout.ts';
import { bullet, fact, section } from './blocks.ts';
import { age } from './text.ts';

/** The whole state at a glance: what serves, in the first line; then services, proxy, rollout and what is off. */
export function statusView(view: StatusView, width: number, style: Style): readonly string[] {
  return [
    liveLine(view, style),
    ...section(statusTable(view, width, style)),
    ...section(facts(view, width, style)),
    ...section(problems('left over', view.leftovers.map(leftover), width, style)),
    ...section(problems('does not agree', view.disagreements.map(disagreement), width, style)),
  ];
}

function liveLine({ project, live, at }: StatusView, style: Style): string {
  const { paint, glyph } = style;
  if (live === null) return `${paint.dim(glyph.todo)} ${paint.bold(project)}  nothing is deployed`;
  const since = live.since === null ? '' : paint.dim(`  for ${age(at - live.since)}`);
  const release = live.release === null ? '' : paint.dim(`  ${live.release}`);
  return `${paint.green(glyph.running)} ${paint.bold(project)}  ${liveText(live, style)}${since}${release}`;
}

function liveText({ color, version }: NonNullable<StatusView['live']>, style: Style): string {
  if (color === null)
    return version === null ? 'plain Compose containers serve' : `${style.paint.bold(version)} serves`;
  const paint = color === 'blue' ? style.paint.blue : style.paint.green;
  return `${paint(style.paint.bold(color))} serves ${style.paint.bold(version ?? 'an unknown version')}`;
}

/** Lines of the form `proxy    caddy`. */
function facts(view: StatusView, width: number, style: Style): readonly string[] {
  const { router, lastRollout, inFlight } = view;
  const holder = inFlight && `${inFlight.verb} by ${inFlight.who} for ${age(view.at - inFlight.since)}`;
  return [
    ...fact('proxy', proxyText(router), width, style),
    ...(lastRollout === null ? [] : fact('rollout', rolloutText(lastRollout, view.at), width, style)),
    ...(holder === null ? [] : fact('running', holder, width, style)),
  ];
}

function proxyText({ driver, readable, reason }: StatusView['router']): string {
  if (driver === 'none') return 'none';
  return readable ? `${driver}, traffic as it reports it` : `${driver} cannot be read: ${reason ?? 'unknown reason'}`;
}

interface Problem {
  readonly text: string;
  readonly remedy: string;
}

function leftover({ kind, name, why, remedy }: LeftoverView): Problem {
  return { text: `${kind} ${name}: ${why}`, remedy };
}

function disagreement({ what, remedy }: DisagreementView): Problem {
  return { text: what, remedy };
}

/** Under a heading, with each remedy once below all that it is for. */
function problems(heading: string, all: readonly Problem[], width: number, style: Style): readonly string[] {
  if (all.length === 0) return [];
  const remedies = [...new Set(all.map((problem) => problem.remedy))];
  return [
    style.paint.yellow(heading),
    ...remedies.flatMap((remedy) => [
      ...all.filter((p) => p.remedy === remedy).flatMap((p) => bullet(style.glyph.warning, p.text, width, style)),
      ...bullet(style.glyph.arrow, remedy, width, style).map(style.paint.cyan),
    ]),
  ];
}
