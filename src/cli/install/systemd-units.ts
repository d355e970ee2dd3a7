import { onCalendar } from '../../core/schedule.ts';

/** What the units of a project are made of. */
export interface UnitParts {
  readonly project: string;
  /** Where the command is called: the paths of its flags and variables begin there. */
  readonly directory: string;
  /** Name or id of the user who owns it. */
  readonly user: string;
  /** The program and its words, up to the verb. */
  readonly command: readonly string[];
  /** What the command needs of the environment that it is called in. */
  readonly environment: Readonly<Record<string, string>>;
  /** A cron expression. */
  readonly schedule: string;
}

export interface Unit {
  readonly name: string;
  readonly text: string;
}

/** A service that runs `update` once, and the timer that starts it. */
export function systemdUnits(parts: UnitParts): readonly Unit[] {
  const name = `deploy-bg-${parts.project}`;
  return [
    { name: `${name}.service`, text: lines(serviceOf(parts)) },
    { name: `${name}.timer`, text: lines(timerOf(parts)) },
  ];
}

function serviceOf({ project, directory, user, command, environment }: UnitParts): readonly string[] {
  // Somebody may be deploying by hand at that moment.
  const update = [...command, 'update', '--wait=10m', '--progress', 'plain'];
  return [
    '[Unit]',
    `Description=Keeps the Compose project ${project} up to date`,
    'Wants=network-online.target',
    'After=network-online.target docker.service',
    '',
    '[Service]',
    'Type=oneshot',
    // Also for root: systemd sets HOME, where logins to registries are, for a user that is named.
    `User=${user}`,
    `WorkingDirectory=${percent(directory)}`,
    ...Object.entries(environment).map(([name, value]) => `Environment=${quoted(`${name}=${value}`)}`),
    `ExecStart=${update.map((word) => quoted(word).replaceAll('$', '$$$$')).join(' ')}`,
    // A stop is a Ctrl-C: the version that worked gets its traffic back, and that takes its time.
    'KillMode=mixed',
    'KillSignal=SIGINT',
    'TimeoutStopSec=10min',
  ];
}

function timerOf({ project, schedule }: UnitParts): readonly string[] {
  return [
    '[Unit]',
    `Description=Keeps the Compose project ${project} up to date, by ${percent(schedule)}`,
    '',
    '[Timer]',
    ...onCalendar(schedule).map((when) => `OnCalendar=${when}`),
    'Persistent=true',
    '',
    '[Install]',
    'WantedBy=timers.target',
  ];
}

/** A word as systemd.syntax(7) quotes it; `%` begins a specifier. */
function quoted(word: string): string {
  const text = percent(word).replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `"${text}"`;
}

function percent(text: string): string {
  return text.replaceAll('%', '%%');
}

function lines(all: readonly string[]): string {
  return `${all.join('\n')}\n`;
}
