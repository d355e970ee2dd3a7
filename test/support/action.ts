import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse } from 'yaml';

/** The folder that GitHub calls the action's. */
export const ACTION_FOLDER = join(import.meta.dirname, '..', '..');

interface Step {
  readonly id?: string;
  readonly shell?: string;
  readonly uses?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly run?: string;
}

/** `action.yml`, as far as a composite action goes. */
export interface Action {
  readonly inputs: Readonly<
    Record<string, { readonly description?: string; readonly required?: boolean; readonly default?: string }>
  >;
  readonly outputs: Readonly<Record<string, { readonly value: string }>>;
  readonly runs: { readonly using: string; readonly steps: readonly Step[] };
}

export async function readAction(): Promise<Action> {
  return parse(await readFile(join(ACTION_FOLDER, 'action.yml'), 'utf8')) as Action;
}

/** Variables of a step, with what a workflow gives for the inputs. */
export function variables(action: Action, step: Step, given: Readonly<Record<string, string>>): Record<string, string> {
  const of = (name: string): string => given[name] ?? action.inputs[name]?.default ?? '';
  const filled = (text: string): string => text.replace(/\$\{\{ inputs\.([\w-]+) \}\}/g, (_, name: string) => of(name));
  return Object.fromEntries(Object.entries(step.env ?? {}).map(([key, text]) => [key, filled(text)]));
}
