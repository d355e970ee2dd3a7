import { existsSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { doctor } from '../../app/doctor.ts';
import { type Finding, isWell } from '../../core/doctor.ts';
import { EXIT, messageOf } from '../../core/errors.ts';
import { otherVersion } from '../agent-version.ts';
import type { Context } from '../context.ts';
import { isShim, pathFolders } from '../docker-binary.ts';
import { configFolder } from '../endpoint.ts';
import { pluginFile } from '../install/plugin-link.ts';
import { print } from '../io.ts';
import type { Command, Session } from '../session.ts';
import { styleFor } from '../style.ts';
import { doctorView } from '../views/doctor.ts';

/** `doctor [--strict] [--json]`: what of all that a deploy depends on is not as it should be. */
export const run: Command<'doctor'> = async ({ strict, json }, session) => {
  const { io, globals } = session;
  const context = await session.context();
  const findings = [
    ...(await doctor(context)),
    ...commandFindings(session),
    ...(await agentFindings(session, context)),
  ];
  const style = styleFor(io.stdout, io.env, globals.ansi);
  print(io.stdout, json ? [JSON.stringify(findings, null, 2)] : doctorView(findings, style));
  return isWell(findings, strict) ? EXIT.ok : EXIT.failed;
};

/** How people can call us. */
function commandFindings({ io, globals }: Session): readonly Finding[] {
  const plugin = pluginFile(configFolder(globals.docker, io.env));
  const isOurs = existsSync(plugin) && realpathSync(plugin) === realpathSync(io.executable);
  const hasShim = pathFolders(io.env).some((folder) => isShim(join(folder, 'docker')));
  const calls = [...(isOurs ? ['docker deploybg'] : []), ...(hasShim ? ['docker deploy-bg'] : [])];
  if (calls.length === 2) return [{ area: 'command', level: 'ok', what: `${calls.join(', ')}: work`, cure: null }];
  const missing = ['docker deploybg', 'docker deploy-bg'].filter((call) => !calls.includes(call));
  const cure = `docker-deploy-bg install${hasShim ? '' : ' --shim'}`;
  return [{ area: 'command', level: 'skipped', what: `${missing.join(', ')}: not installed for this user`, cure }];
}

async function agentFindings({ version }: Session, { ports }: Context): Promise<readonly Finding[]> {
  try {
    const about = await ports.agent.about();
    const other = await otherVersion({ about: () => Promise.resolve(about) }, version);
    if (other !== null) return [{ area: 'agent', level: 'warning', what: other.message, cure: other.hint }];
    return [{ area: 'agent', level: 'ok', what: `version ${about.version} watches over the project`, cure: null }];
  } catch (error) {
    if (isNobody(error)) return [{ area: 'agent', level: 'skipped', what: 'none runs; none is needed', cure: null }];
    return [{ area: 'agent', level: 'warning', what: messageOf(error), cure: 'see docker-deploy-bg agent logs' }];
  }
}

/** No socket, or nobody behind it; one that does not answer is another thing. */
function isNobody(error: unknown): boolean {
  const { code } = (error instanceof Error ? (error.cause ?? {}) : {}) as { readonly code?: string };
  return code === 'ENOENT' || code === 'ECONNREFUSED';
}
