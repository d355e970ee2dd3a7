import { Readable } from 'node:stream';
import { isColor, type Color } from '../../src/core/color.ts';
import { COMPOSE_LABEL, LABEL } from '../../src/core/labels.ts';
import { docker, type TestProject } from './project.ts';

/** What can happen to a container, in the engine's own words. */
const EVENTS = ['create', 'start', 'health_status', 'kill', 'die', 'destroy'] as const;
export type LifeEvent = 'create' | 'start' | 'healthy' | 'unhealthy' | 'kill' | 'die' | 'destroy';

/** Something that happened to a replica. */
export interface Happened {
  readonly what: LifeEvent;
  readonly id: string;
  readonly service: string;
  readonly color: Color | null;
  /** The tag of its image: in place that is the version. */
  readonly version: string;
  /** Null unless it died. */
  readonly exitCode: number | null;
  /** On the engine's clock, in milliseconds. */
  readonly at: number;
}

interface Message {
  readonly Action: string;
  readonly Actor: { readonly ID: string; readonly Attributes: Readonly<Record<string, string>> };
  readonly timeNano: number;
}

/**
 * What the engine did with the replicas of a project, as the engine itself tells it. Listed afterwards it would miss
 * what came and went, and the engine remembers too few events to be asked later.
 */
export class Lives {
  readonly #happened: Happened[] = [];
  readonly #stream: Readable;

  private constructor(project: string, stream: Readable) {
    this.#stream = stream;
    let rest = '';
    stream.setEncoding('utf8').on('data', (part: string) => {
      const lines = (rest + part).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) if (line !== '') this.#take(project, JSON.parse(line) as Message);
    });
    stream.on('error', () => undefined);
  }

  static async of(project: TestProject): Promise<Lives> {
    const stream = await docker.getEvents({ filters: { type: ['container'], event: [...EVENTS] } });
    if (!(stream instanceof Readable)) throw new Error('the engine gives no stream of events');
    return new Lives(project.name, stream);
  }

  /** Everything so far, oldest first. */
  all(): readonly Happened[] {
    return [...this.#happened];
  }

  /** What happened from now on, until it is called. */
  fromNow(): () => readonly Happened[] {
    const before = this.#happened.length;
    return () => this.#happened.slice(before);
  }

  close(): void {
    this.#stream.destroy();
  }

  #take(project: string, { Action, Actor, timeNano }: Message): void {
    const { Attributes: about } = Actor;
    const composeProject = about[COMPOSE_LABEL.project] ?? '';
    if (composeProject !== project && about[LABEL.project] !== project) return;
    const color = about[LABEL.color] ?? '';
    this.#happened.push({
      what: (Action.startsWith('health_status') ? Action.split(': ')[1] : Action) as LifeEvent,
      id: Actor.ID,
      service: about[LABEL.service] ?? about[COMPOSE_LABEL.service] ?? '',
      color: isColor(color) ? color : null,
      version: (about['image'] ?? '').split(':').at(-1) ?? '',
      exitCode: about['exitCode'] === undefined ? null : Number(about['exitCode']),
      at: timeNano / 1e6,
    });
  }
}

/** Those of a kind, and of a version if one is given. */
export function only(happened: readonly Happened[], what: LifeEvent, version?: string): readonly Happened[] {
  return happened.filter((each) => each.what === what && (version === undefined || each.version === version));
}

/** The most and the fewest there were at any moment, of what two kinds of events add and take away. */
export function extremes(
  happened: readonly Happened[],
  begin: number,
  { more, fewer }: { readonly more: LifeEvent; readonly fewer: LifeEvent },
): { readonly least: number; readonly most: number } {
  let [now, least, most] = [begin, begin, begin];
  for (const { what } of happened) {
    now += Number(what === more) - Number(what === fewer);
    [least, most] = [Math.min(least, now), Math.max(most, now)];
  }
  return { least, most };
}
