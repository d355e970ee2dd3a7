// Loaded into a command with --import: ends it, or has it asked to end, at one line of its journal. FAULT_AT is
// `<line> before|after <signal>[ <signal>]`; a second signal follows with the next line.
import { appendFileSync } from 'node:fs';
import { open } from 'node:fs/promises';

const [line, moment, ...signals] = (process.env['FAULT_AT'] ?? '0 never').split(' ');
const log = process.env['FAULT_LOG'];
const file = await open('/dev/null');
const handle = Object.getPrototypeOf(file);
await file.close();
const { appendFile } = handle;
let lines = 0;

handle.appendFile = async function (data, ...rest) {
  if (!isEntry(data)) return appendFile.call(this, data, ...rest);
  lines += 1;
  if (log !== undefined) appendFileSync(log, data);
  if (moment === 'before') await strike();
  await appendFile.call(this, data, ...rest);
  if (moment === 'after') await strike();
};

function isEntry(data) {
  return typeof data === 'string' && /^\{"kind":"(accepted|event|intent|result|rested)"/.test(data);
}

async function strike() {
  const signal = signals[lines - Number(line)];
  if (signal === undefined) return;
  process.kill(process.pid, signal);
  // Nothing more is done by who is killed; the others hear of it in a later turn.
  if (signal === 'SIGKILL') await new Promise(() => undefined);
}
