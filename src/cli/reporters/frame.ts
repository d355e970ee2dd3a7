import type { Millis } from '../../core/observed.ts';
import type { Style } from '../style.ts';
import { clockTime, cut, elapsed, took, widthOf, wrap } from '../views/text.ts';
import type { ProgressState, StepProgress } from './progress-state.ts';
import { windowOf } from './step-window.ts';

export interface FrameSize {
  readonly columns: number;
  readonly rows: number;
}

type Paint = (text: string) => string;

interface Canvas {
  readonly style: Style;
  readonly width: number;
  readonly now: Millis;
}

const MOST_CONTAINERS = 4;
const MOST_NOTES = 3;
const MOST_WAIT_LINES = 3;
const MOST_NOTE_LINES = 2;
/** The running step, and how many are done and to come. */
const LEAST_STEPS = 3;

/** The picture of a moment, never larger than the terminal. Pure. */
export function frame(state: ProgressState, now: Millis, size: FrameSize, style: Style): readonly string[] {
  // One column and one row stay free: a terminal that fills its last ones wraps and scrolls.
  const canvas = { style, width: Math.max(20, size.columns - 1), now };
  const rows = Math.max(3, size.rows - 1);
  const around = [header(state, canvas), ...belowSteps(state, canvas)];
  const children = childrenOf(state, canvas).slice(0, Math.max(0, rows - around.length - LEAST_STEPS));
  const steps = stepLines(state, children, rows - around.length - children.length, canvas);
  const [head = '', ...below] = around;
  return [head, ...steps, ...below].slice(0, rows);
}

function header(state: ProgressState, canvas: Canvas): string {
  const { position } = state;
  const count = position === null ? '' : `step ${String(position.index + 1)}/${String(position.total)}  `;
  const right = `${count}${elapsed(canvas.now - state.startedAt)}`;
  return row(state.title ?? 'docker-deploy-bg', right, canvas, canvas.style.paint.bold);
}

/** A text on the left and a short one on the right, in one line. */
function row(left: string, right: string, { style, width }: Canvas, paint: Paint): string {
  const space = Math.max(0, width - widthOf(right) - 2);
  const text = cut(style.plain(left), space, style.glyph.ellipsis);
  if (right === '') return paint(text);
  return paint(text) + ' '.repeat(Math.max(1, width - widthOf(text) - widthOf(right))) + style.paint.dim(right);
}

function stepLines(
  state: ProgressState,
  children: readonly string[],
  space: number,
  canvas: Canvas,
): readonly string[] {
  const { before, shown, after } = windowOf(state.steps, space);
  const { style } = canvas;
  const lines = shown.flatMap((s) => [stepLine(s, canvas), ...(s.status === 'running' ? children : [])]);
  const summary = (count: number, glyph: string, what: string): readonly string[] =>
    count === 0 ? [] : [style.paint.dim(`  ${glyph} ${String(count)} ${what}`)];
  return [...summary(before, style.glyph.done, 'done'), ...lines, ...summary(after, style.glyph.todo, 'more')];
}

function stepLine(step: StepProgress, canvas: Canvas): string {
  const { paint, glyph } = canvas.style;
  const marks = { todo: glyph.todo, running: glyph.running, done: glyph.done, failed: glyph.failed };
  const paints = { todo: paint.dim, running: paint.cyan, done: paint.green, failed: paint.red };
  return row(`  ${marks[step.status]} ${step.text}`, stepTime(step, canvas.now), canvas, paints[step.status]);
}

function stepTime(step: StepProgress, now: Millis): string {
  if (step.ms !== null) return took(step.ms);
  return step.status === 'running' && step.startedAt !== null ? elapsed(now - step.startedAt) : '';
}

/** What the running step is about: its containers, and what is waited for and until when. */
function childrenOf(state: ProgressState, canvas: Canvas): readonly string[] {
  if (!state.steps.some((s) => s.status === 'running')) return [];
  return [...waitLines(state, canvas), ...containerLines(state, canvas)];
}

function containerLines({ containers }: ProgressState, canvas: Canvas): readonly string[] {
  const all = Object.entries(containers).map(([name, news]) => `${name} ${news}`);
  const shown = all.length > MOST_CONTAINERS ? all.slice(-MOST_CONTAINERS + 1) : all;
  const hidden = all.length - shown.length;
  const more = hidden === 0 ? [] : [`and ${String(hidden)} more`];
  return [...shown, ...more].map((line) => dimmed(`      ${line}`, canvas));
}

function waitLines({ waiting }: ProgressState, canvas: Canvas): readonly string[] {
  if (waiting === null) return [];
  const until = waiting.until === null ? 'until a person goes on' : untilText(waiting.until, canvas.now);
  const lines = wrap(`waiting for ${waiting.what}`, canvas.width - 6);
  const shown = [...lines.slice(0, MOST_WAIT_LINES - 1), until];
  return shown.map((line) => clipped(`      ${line}`, canvas));
}

function untilText(until: Millis, now: Millis): string {
  return `until ${clockTime(until)} (${elapsed(until - now)} left)`;
}

function belowSteps(state: ProgressState, canvas: Canvas): readonly string[] {
  const { paint } = canvas.style;
  const weight = state.weight === null ? [] : [clipped(`  ${state.weight}`, canvas)];
  const notes = state.notes.slice(-MOST_NOTES).flatMap((note) => noteLines(note, canvas).map(paint.yellow));
  return [...weight, ...notes, ...failureLines(state, canvas)];
}

function noteLines(note: string, canvas: Canvas): readonly string[] {
  const lines = wrap(note, canvas.width - 4).slice(0, MOST_NOTE_LINES);
  return lines.map((line, index) => clipped(index === 0 ? `  ${line}` : `    ${line}`, canvas));
}

/** Why it goes back; at the end the error says it again, with its evidence. */
function failureLines({ failure, ended }: ProgressState, canvas: Canvas): readonly string[] {
  if (failure === null || ended !== null) return [];
  const { paint, glyph } = canvas.style;
  const [first = '', ...rest] = wrap(failure, canvas.width - 4);
  const message = [`  ${glyph.failed} ${first}`, ...rest.map((line) => `    ${line}`)];
  return message.map((line) => paint.red(clipped(line, canvas)));
}

function clipped(text: string, { style, width }: Canvas): string {
  return cut(style.plain(text), width, style.glyph.ellipsis);
}

function dimmed(text: string, canvas: Canvas): string {
  return canvas.style.paint.dim(clipped(text, canvas));
}
