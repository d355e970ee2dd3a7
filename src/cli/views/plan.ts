import {
  type ImagePlan,
  isFetched,
  type MemoryPlan,
  type Plan,
  type ProxyPlan,
  type ServicePlan,
  type StepPlan,
} from '../../app/plan-view.ts';
import { formatBytes } from '../../core/bytes.ts';
import { formatDuration } from '../../core/duration.ts';
import type { Copies, Fate } from '../../core/parts.ts';
import type { Style } from '../style.ts';
import { bullet, fact, section } from './blocks.ts';
import { table, type Column } from './columns.ts';
import { cut, widthOf, wrap } from './text.ts';

/** What a deploy would do, and what it takes. */
export function planView(plan: Plan, width: number, style: Style): readonly string[] {
  const services = [...partTable(plan, width, style), ...section(reasons(plan, width, style))];
  const notes = [...plan.notes, ...plan.shortages].flatMap((text) => bullet(style.glyph.warning, text, width, style));
  const warnings = section(notes.map(style.paint.yellow));
  if (plan.state === 'nothing-to-do') return [...services, ...warnings];
  return [
    ...services,
    ...section(stepList(plan, width, style)),
    ...section(needs(plan, width, style)),
    ...section(proxyView(plan.proxy, width, style)),
    ...warnings,
  ];
}

interface Row {
  readonly service: string;
  readonly how: string;
  readonly from: string;
  readonly to: string;
  readonly image: string;
}

const COLUMNS: readonly Column<Row>[] = [
  { title: 'SERVICE', value: (row) => row.service, drop: 0, shrinkTo: 12 },
  { title: 'HOW', value: (row) => row.how, drop: 0 },
  { title: 'FROM', value: (row) => row.from, drop: 1, shrinkTo: 12 },
  { title: 'TO', value: (row) => row.to, drop: 1, shrinkTo: 12 },
  { title: 'IMAGE', value: (row) => row.image, drop: 2 },
];

function partTable({ services, shared }: Plan, width: number, style: Style): readonly string[] {
  const rows = services.map((part): Row => ({
    service: part.service,
    how: howText(part),
    from: copiesText(part.from),
    to: part.fate === 'keep' ? '' : copiesText(part.to),
    image: imageText(part.image),
  }));
  const others = shared.map(({ service, starts }): Row => {
    const how = starts ? 'shared, starts first' : 'shared, left alone';
    return { service, how, from: '', to: '', image: '' };
  });
  return table([...rows, ...others], COLUMNS, width, style);
}

const HOW: Readonly<Record<Fate, string>> = {
  switch: 'replaced',
  create: 'new',
  replace: 'replaced',
  scale: 'scaled',
  remove: 'removed',
  run: 'runs once',
  keep: 'left alone',
};

function howText({ fate, strategy }: ServicePlan): string {
  if (strategy === null) return HOW[fate];
  return strategy === 'at-once' ? 'first deploy' : strategy;
}

function copiesText(copies: Copies | null): string {
  if (copies === null) return '';
  const { version, color, replicas } = copies;
  return [version ?? 'what runs', color, `×${String(replicas)}`].filter((part) => part !== null).join(' ');
}

const SOURCE: Readonly<Record<ImagePlan['source'], string>> = {
  here: 'here',
  pull: 'to be pulled',
  build: 'to be built',
  'pull-or-build': 'to be pulled, or built',
  missing: 'missing',
};

function imageText(image: ImagePlan | null): string {
  return image === null ? '' : SOURCE[image.source];
}

function reasons({ services, shared }: Plan, width: number, style: Style): readonly string[] {
  const all = [...services, ...shared];
  const label = Math.min(24, Math.max(0, ...all.map(({ service }) => widthOf(service))) + 2);
  return all.flatMap(({ service, why }) =>
    fact(cut(service, label - 2, style.glyph.ellipsis), why, width, style, label),
  );
}

const BOUND = 'AT MOST';

/** Each with its number, as progress shows it, and how long it may last. */
function stepList(plan: Plan, width: number, style: Style): readonly string[] {
  const { steps } = plan;
  const number = String(steps.length).length;
  const texts = steps.map(({ text }) => style.plain(text));
  const right = Math.max(BOUND.length, ...steps.map((step) => widthOf(boundText(step))));
  const room = Math.min(width - number - right - 6, Math.max(...texts.map(widthOf)));
  const line = (head: string, text: string, end: string): string =>
    `  ${head.padStart(number + 1)} ${text.padEnd(room)}  ${style.paint.dim(end.padStart(right))}`.trimEnd();
  const lines = steps.flatMap((step, index) =>
    wrap(texts[index] ?? '', room).map((text, part) =>
      part === 0 ? line(`${String(index + 1)}.`, text, boundText(step)) : line('', text, ''),
    ),
  );
  const heading = style.paint.dim(`STEPS${''.padEnd(number + room + 1)}${BOUND.padStart(right)}`);
  return [heading, ...lines, ...totalText(plan, width, style)];
}

function boundText({ atMostMs, until }: StepPlan): string {
  if (until !== null) return 'open';
  return atMostMs === null || atMostMs === 0 ? '' : formatDuration(atMostMs);
}

function totalText({ time, services }: Plan, width: number, style: Style): readonly string[] {
  const open = time.until.map((text) => `, and until ${text}`).join('');
  const all =
    time.atMostMs === time.completeMs ? '' : `, ${formatDuration(time.atMostMs)} with what is left to do then`;
  const fetched = services.some(({ image }) => isFetched(image));
  const text = `Completed after ${formatDuration(time.completeMs)} at most${open}, if every step goes well${all}.`;
  const lines = wrap(style.plain(fetched ? `${text} Pulling or building images comes on top.` : text), width - 2);
  return lines.map((line) => `  ${line}`);
}

const LABEL = 8;

function needs({ twice, memory, disk }: Plan, width: number, style: Style): readonly string[] {
  const crowds = twice.map(({ service, old, new: fresh }) => `${service} ${String(old)} old + ${String(fresh)} new`);
  const together = crowds.length === 0 ? 'nothing runs twice' : `at the same time: ${crowds.join(', ')}`;
  const size = disk.neededBytes === null ? 'what the new images take is not known' : 'no image is pulled or built';
  const free = disk.freeBytes === null ? 'free space not known' : `${formatBytes(disk.freeBytes)} free`;
  const where = disk.folder === null ? '' : ` in ${disk.folder}`;
  return [
    ...fact('runs', together, width, style, LABEL),
    ...fact('memory', memoryText(memory), width, style, LABEL),
    ...fact('disk', `${size}; ${free}${where}`, width, style, LABEL),
  ];
}

function memoryText({ neededBytes, notKnown, totalBytes, availableBytes }: MemoryPlan): string {
  const known = neededBytes === null ? [] : [neededBytes === 0 ? 'none more' : `${formatBytes(neededBytes)} more`];
  const rest = notKnown.length === 0 ? [] : [`of ${notKnown.join(', ')} not known`];
  return `${[...known, ...rest].join(', ')}; ${hostText(totalBytes, availableBytes)}`;
}

function hostText(total: number | null, available: number | null): string {
  if (total === null) return 'what the host has is not known';
  if (available === null) return `the host has ${formatBytes(total)} in all`;
  return `${formatBytes(available)} of ${formatBytes(total)} available`;
}

function proxyView(
  { driver, diff, reload, before, reason }: ProxyPlan,
  width: number,
  style: Style,
): readonly string[] {
  if (driver === 'none') return fact('proxy', 'none of ours: hooks switch it', width, style, LABEL);
  const reloads = { true: 'reloads its configuration', false: 'no reload', unknown: 'whether it reloads is not known' };
  const now = before === null ? `; cannot be asked now: ${reason ?? 'it does not answer'}` : '';
  const same = diff.every((line) => line.startsWith(' ')) ? '; its routes stay as they are' : '';
  const text = `${driver}, ${reloads[reload === null ? 'unknown' : reload ? 'true' : 'false']}${now}${same}`;
  return [...fact('proxy', text, width, style, LABEL), ...diff.map((line) => diffLine(line, width, style))];
}

function diffLine(line: string, width: number, style: Style): string {
  const shown = `  ${cut(style.plain(line), width - 2, style.glyph.ellipsis)}`;
  if (line.startsWith('+')) return style.paint.green(shown);
  return line.startsWith('-') ? style.paint.red(shown) : shown;
}
