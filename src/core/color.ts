/** The two names a color group alternates between. */
export type Color = 'blue' | 'green';

export const COLORS: readonly Color[] = ['blue', 'green'];

/** True for exactly `blue` and `green`; anything else in a file or label is damage, not a color. */
export function isColor(value: unknown): value is Color {
  return value === 'blue' || value === 'green';
}

/** The color a candidate takes while `live` serves; the first deploy is blue. */
export function freeColor(live: Color | null): Color {
  return live === 'blue' ? 'green' : 'blue';
}

/** Compose project of a color, or the user's own project for `null`. */
export function composeProject(project: string, color: Color | null): string {
  return color === null ? project : `${project}-${color}`;
}

/** Name of a service inside a color; the user's own name for `null`. */
export function colorService(service: string, color: Color | null): string {
  return color === null ? service : `${service}-${color}`;
}
