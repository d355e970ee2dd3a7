import { isFinished } from '../../src/app/recover.ts';
import { docker, ok, until } from '../support/project.ts';
import { storeOf } from '../support/store-of.ts';
import type { Cell, Trial } from './cell.ts';
import { type Point, pointsOf } from './points.ts';
import type { Subject } from './subject.ts';
import type { Kind } from './subjects.ts';

const LOOK_MS = 2;
const DONE_WITHIN_MS = 90_000;

/** A rollout that was left to an agent, which is killed about when a line of it is written, and started again. */
export function agentCell(kind: Kind, all: boolean): Cell {
  return {
    kind: { ...kind, agent: true },
    verb: 'deploy --detach',
    fault: 'its agent killed, started again',
    trials: async (subject) => {
      const { wanted } = subject.versions;
      await ok(subject.run(['deploy', wanted, '--detach']));
      await done(subject);
      subject.serving = wanted;
      return pointsOf(await entriesOfLast(subject), all)
        .filter(({ moment }) => moment === 'after')
        .map(trial);
    },
  };
}

function trial(point: Point): Trial {
  return {
    name: `about line ${String(point.line)}, ${point.what}`,
    run: async (subject) => {
      const { stable, wanted } = subject.versions;
      const before = (await storeOf(subject.project).rollouts()).at(-1)?.id;
      const deploying = subject.run(['deploy', wanted, '--detach']);
      await lineOf(subject, before, Number(point.line));
      const agent = docker.getContainer(`${subject.project.name}-deploy-bg-agent-1`);
      await agent.kill();
      await agent.wait();
      const { exit, stderr } = await deploying;
      // It died after its rollout was over: releases that nobody needs are left to people.
      const wasOver = await isOver(subject);
      // A deploy that ran by itself in the end has started it, as any shared service.
      if (!(await agent.inspect()).State.Running) await agent.start();
      await done(subject);
      if (wasOver) await ok(subject.run(['cleanup']));
      // Who found no agent there runs the deploy itself.
      if (exit !== 0) throw new Error(`it ended with ${String(exit)}: ${stderr}`);
      const last = (await storeOf(subject.project).rollouts()).at(-1);
      const serves = last?.state === 'completed' ? wanted : stable;
      await subject.expectWhole(serves);
      if (subject.kind.strategy === 'recreate') subject.excuseLost();
      else subject.expectNoneLost();
      return serves === wanted ? 'the version asked for' : 'the version before';
    },
  };
}

async function entriesOfLast(subject: Subject) {
  const store = storeOf(subject.project);
  const last = (await store.rollouts()).at(-1)?.id;
  const { entries } = await store.entries(null);
  return entries.filter((entry) => (entry.kind === 'accepted' ? entry.record.id : entry.rollout) === last);
}

/** Resolves when the rollout after another one has that many lines, or is over. */
async function lineOf(subject: Subject, before: string | undefined, line: number): Promise<void> {
  const deadline = performance.now() + DONE_WITHIN_MS;
  for (;;) {
    const entries = await entriesOfLast(subject);
    const [first] = entries;
    const isNew = first?.kind === 'accepted' && first.record.id !== before;
    if (isNew && entries.length >= line) return;
    if (performance.now() > deadline) throw new Error(`waited in vain for line ${String(line)}`);
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
}

async function isOver({ project }: Subject): Promise<boolean> {
  const last = (await storeOf(project).rollouts()).at(-1);
  return last === undefined || isFinished(last);
}

async function done(subject: Subject): Promise<void> {
  const isFree = async (): Promise<boolean> => (await storeOf(subject.project).holder()) === null;
  await until('the agent to be done', async () => (await isOver(subject)) && (await isFree()), DONE_WITHIN_MS);
}
