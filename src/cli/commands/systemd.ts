import { isOnHost } from '../../core/project.ts';
import { realpathSync, statSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { readToday } from '../../app/session.ts';
import { DeployError, messageOf } from '../../core/errors.ts';
import { isSchedule } from '../../core/schedule.ts';
import type { GlobalOptions } from '../globals.ts';
import { systemdUnits, type Unit } from '../install/systemd-units.ts';
import { print, type Io } from '../io.ts';
import type { Command } from '../session.ts';

/** Whatever of the environment decides which project, engine and state are meant; anybody may read a unit, so no secret. */
const TELLING =
  /^(PATH|DOCKER_(HOST|CONTEXT|CONFIG|CERT_PATH|TLS|TLS_VERIFY|API_VERSION)|COMPOSE_(FILE|PATH_SEPARATOR|PROJECT_NAME|PROFILES|ENV_FILES|DISABLE_ENV_FILE)|DEPLOY_BG_STATE_DIR|HEALTH_CHECK_(TIMEOUT|INTERVAL)|DRAIN_TIMEOUT)$/;

/** `systemd [--dir DIR] [--schedule CRON]`. */
export const run: Command<'systemd'> = async ({ dir, schedule: given }, { io, globals, context }) => {
  const { ports } = await context();
  const { name: project, directory: owned, update, proxy } = await readToday(ports);
  const schedule = requireSchedule(given ?? update.schedule);
  // Who may tell nginx of the machine to reload is root.
  const user = isOnHost(proxy) ? 'root' : String(statSync(owned).uid);
  // What flags and variables say of paths is said from here.
  const directory = io.cwd;
  const command = [process.execPath, realpathSync(io.executable), ...flagsOf(globals)];
  const units = systemdUnits({ project, directory, user, command, environment: environmentOf(io), schedule });
  print(io.stdout, dir === null ? printed(units) : written(units, resolve(io.cwd, dir)));
  return 0;
};

function requireSchedule(schedule: string | null): string {
  if (schedule !== null && isSchedule(schedule)) return schedule;
  throw new DeployError('invalid-usage', {
    what:
      schedule === null
        ? 'nobody said when the timer shall run'
        : `--schedule: ${JSON.stringify(schedule)} is no cron expression of five fields`,
    next: 'add --schedule "0 4 * * *", or x-deploy-bg: {update: {schedule: "0 4 * * *"}} to the compose file',
  });
}

/** The flags that this command was called with. */
function flagsOf({ docker, compose }: GlobalOptions): readonly string[] {
  const given: readonly (readonly [string, string | null])[] = [
    ['--config', docker.config],
    ['--context', docker.context],
    ['--host', docker.host],
    ['--tlscacert', docker.tlsCaCert],
    ['--tlscert', docker.tlsCert],
    ['--tlskey', docker.tlsKey],
    ...compose.files.map((file) => ['--file', file] as const),
    ['--project-name', compose.projectName],
    ...compose.envFiles.map((file) => ['--env-file', file] as const),
    ...compose.profiles.map((profile) => ['--profile', profile] as const),
    ['--project-directory', compose.projectDirectory],
  ];
  const switches = [...(docker.tls ? ['--tls'] : []), ...(docker.tlsVerify ? ['--tlsverify'] : [])];
  return [...switches, ...given.flatMap(([name, value]) => (value === null ? [] : [name, value]))];
}

function environmentOf({ env }: Io): Readonly<Record<string, string>> {
  const telling = Object.entries(env).filter(([name, value]) => TELLING.test(name) && value !== undefined);
  return Object.fromEntries(telling) as Record<string, string>;
}

function printed(units: readonly Unit[]): readonly string[] {
  return units.flatMap(({ name, text }) => [`# /etc/systemd/system/${name}`, text]);
}

/** @throws not-possible if the folder cannot be written */
function written(units: readonly Unit[], folder: string): readonly string[] {
  try {
    for (const { name, text } of units) writeFileSync(join(folder, name), text, { mode: 0o644 });
  } catch (error) {
    throw new DeployError('not-possible', {
      what: `the units cannot be written: ${messageOf(error)}`,
      next: 'run this as a user who may write there; /etc/systemd/system belongs to root',
    });
  }
  const timer = units.find(({ name }) => name.endsWith('.timer'))?.name ?? '';
  return [
    ...units.map(({ name }) => `written: ${join(folder, name)}`),
    'to start it:',
    `  systemctl daemon-reload && systemctl enable --now ${timer}`,
  ];
}
