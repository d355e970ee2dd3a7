#!/usr/bin/env node
import pkg from '../package.json' with { type: 'json' };
import { main } from '../src/agent/main.ts';

/** Docker waits ten seconds before it kills: what cannot be ended by then is gone on with by the next start. */
const LEAVE_MS = 8_000;

process.once('SIGTERM', () => setTimeout(() => process.exit(0), LEAVE_MS).unref());
process.exit(await main(process.argv.slice(2), { version: pkg.version, executable: process.argv[1] ?? '' }));
