/**
 * The commands that work on a project, and what they need of the world: nearly all of their code is the same, and one
 * file of it is loaded faster than forty.
 */
export { createContext } from '../context.ts';
export { run as cleanup } from './cleanup.ts';
export { run as deploy } from './deploy.ts';
export { run as events } from './events.ts';
export { run as history } from './history.ts';
export { run as logs } from './logs.ts';
export { run as plan } from './plan.ts';
export { run as reset } from './reset.ts';
export { run as rollback } from './rollback.ts';
export { run as status } from './status.ts';
export { run as systemd } from './systemd.ts';
export { abort, pause, promote, resume, retry } from './steer.ts';
export { run as update } from './update.ts';
