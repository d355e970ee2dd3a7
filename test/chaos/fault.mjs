// Loaded into a command with --import: has something happen at one line of its journal. FAULT_AT is
// `<line> before|after <what>[ <what>]`, where line is its number, or the kind of an action for the first intent of it, and
// what is a signal to itself, `jump`: its clock is an hour ahead, or `wait`: it goes on once FAULT_GATE.go is there. A second
// word follows with the next line. FAULT_LOG gets a copy of every line.
import { appendFileSync, existsSync, watch, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { dirname } from 'node:path';

const [line, moment, ...faults] = (process.env['FAULT_AT'] ?? '0 never').split(' ');
const log = process.env['FAULT_LOG'];
const gate = process.env['FAULT_GATE'];
const file = await open('/dev/null');
const handle = Object.getPrototypeOf(file);
await file.close();
const { appendFile } = handle;
let lines = 0;
let at = Number(line);

handle.appendFile = async function (data, ...rest) {
  if (!isEntry(data)) return appendFile.call(this, data, ...rest);
  lines += 1;
  if (Number.isNaN(at) && isIntentOf(line, data)) at = lines;
  if (log !== undefined) appendFileSync(log, data);
  if (moment === 'before') await strike();
  await appendFile.call(this, data, ...rest);
  if (moment === 'after') await strike();
};

function isEntry(data) {
  return typeof data === 'string' && /^\{"kind":"(accepted|event|intent|result|rested)"/.test(data);
}

function isIntentOf(kind, data) {
  return data.startsWith('{"kind":"intent"') && JSON.parse(data).action.kind === kind;
}

async function strike() {
  const fault = faults[lines - at];
  if (fault === undefined) return;
  if (fault === 'wait') return opened();
  if (fault === 'jump') return jump();
  process.kill(process.pid, fault);
  // Nothing more is done by who is killed; the others hear of it in a later turn.
  if (fault === 'SIGKILL') await new Promise(() => undefined);
}

function jump() {
  const now = Date.now;
  Date.now = () => now() + 3_600_000;
}

function opened() {
  return new Promise((resolve) => {
    const look = () => {
      if (!existsSync(`${gate}.go`)) return;
      watcher.close();
      resolve();
    };
    const watcher = watch(dirname(gate), look);
    writeFileSync(`${gate}.reached`, '');
    look();
  });
}
