#!/usr/bin/env node
import pkg from '../package.json' with { type: 'json' };
import { main } from '../src/agent/main.ts';
import { receive } from '../src/agent/receive.ts';

/** Docker waits ten seconds before it kills: what cannot be ended by then is gone on with by the next start. */
const LEAVE_MS = 8_000;

process.once('SIGTERM', () => setTimeout(() => process.exit(0), LEAVE_MS).unref());
const argv = process.argv.slice(2);
process.exit(
  argv[0] === 'receive'
    ? await receive(process.stdin)
    : await main(argv, { version: pkg.version, executable: process.argv[1] ?? '' }),
);
