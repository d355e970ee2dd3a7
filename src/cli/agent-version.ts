import type { Agent } from '../app/ports.ts';
import { AGENT_SERVICE } from './install/agent-service.ts';

/** What is to be said about an agent of another version than this program's. */
export interface OtherVersion {
  readonly message: string;
  readonly hint: string;
}

/** Null if it is the same, or if nobody says: whoever needs an agent finds that out. */
export async function otherVersion(agent: Pick<Agent, 'about'>, version: string): Promise<OtherVersion | null> {
  const about = await agent.about().catch(() => null);
  if (about === null || about.version === version) return null;
  return {
    message: `the agent is version ${about.version}, and this is ${version}`,
    hint: `docker-deploy-bg agent init, with --listen if it was given one, then docker compose up -d ${AGENT_SERVICE}`,
  };
}
