import { configPlaces } from '../../config/init/front.ts';
import { isRefusal, propose } from '../../config/init/propose.ts';
import type { Proposal } from '../../config/init/proposal.ts';
import { DeployError, EXIT } from '../../core/errors.ts';
import { ask } from '../ask.ts';
import { namesIn, readMounted, takeBack, writeAll } from '../init-files.ts';
import type { CommandOptions } from '../invocation.ts';
import { print } from '../io.ts';
import { localProject, type LocalProject } from '../local-project.ts';
import type { Command, Session } from '../session.ts';
import { styleFor } from '../style.ts';
import { nextView, proposalView } from '../views/init.ts';
import { lintView } from '../views/lint.ts';

type Options = CommandOptions['init'];

/** `init [--services NAMES] [--proxy KIND] [--dry-run] [--json]`: shows what a deploy needs, and writes it when asked to. */
export const run: Command<'init'> = async (options, session) => {
  const { io } = session;
  const local = await localProject(session.globals, io);
  const proposal = await proposalFor(local, options);
  const { files, byHand } = proposal;
  if (options.json) print(io.stdout, [JSON.stringify(proposal, null, 2)]);
  else print(io.stdout, proposalView(proposal, io.cwd, styleFor(io.stdout, io.env, session.globals.ansi)));
  if (files.length > 0 && !options.dryRun && (await isWanted(options, session)))
    await write(local, proposal, session, options);
  else if (files.length === 0 && !options.json)
    print(io.stdout, [byHand.length > 0 ? 'nothing that can be written' : 'nothing to do']);
  return EXIT.ok;
};

/** @throws compose-rejected, not-possible */
async function proposalFor(local: LocalProject, { proxy, services }: Options): Promise<Proposal> {
  const resolved = await local.resolve('latest');
  const { directory } = local;
  const mounted = readMounted(configPlaces(resolved));
  const taken = new Set(namesIn(directory));
  const answer = propose({ ...resolved, directory, taken, mounted, proxy, services });
  if (!isRefusal(answer)) return answer;
  const { what, next, notes } = answer;
  throw new DeployError('not-possible', { what, next, details: notes });
}

/** @throws not-confirmed where nobody can be asked, or the answer is no */
async function isWanted({ json }: Options, { globals, io }: Session): Promise<boolean> {
  if (globals.yes) return true;
  if (json) return false;
  if (await ask('Write this?', io, new AbortController().signal)) return true;
  throw new DeployError('not-confirmed', { what: 'nothing was written' });
}

/** What the reader of every command refuses is not left in the files. @throws invalid-config, not-possible */
async function write(local: LocalProject, proposal: Proposal, { io }: Session, { json }: Options): Promise<void> {
  writeAll(proposal.files);
  const project = await local.read('latest').catch((error: unknown) => {
    takeBack(proposal.files);
    throw stillWrong(error);
  });
  if (json) return;
  print(io.stdout, [...lintView(project), ...nextView({ ...proposal, next: [...proposal.next, ...NEXT] })]);
}

const NEXT = [
  'docker deploy-bg deploy VERSION --dry-run, then without --dry-run; let the first deploy start the proxy',
  'put .deployment-color and the deploy-bg folder of the proxy into .gitignore',
];

function stillWrong(error: unknown): unknown {
  if (!(error instanceof DeployError) || error.code !== 'invalid-config') return error;
  return new DeployError('invalid-config', {
    what: `nothing was written, for there is more to be decided: ${error.message}`,
    next: 'correct what is named, as far as it is yours, and run init again; --dry-run shows what it would write',
    details: error.details,
    cause: error,
  });
}
