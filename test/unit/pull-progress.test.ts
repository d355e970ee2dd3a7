import { describe, expect, it } from 'vitest';
import { PullProgress } from '../../src/adapters/compose/pull-progress.ts';

/** What is told while Compose 2.40 pulls two layers, one of which begins later. */
const LINES = [
  ' web Pulling ',
  ' e6c3a0e7d15e Pulling fs layer ',
  ' 27fe22090f16 Already exists ',
  ' 0a1b2c3d4e5f Waiting ',
  ' e6c3a0e7d15e Downloading [>            ]  407.6kB/40MB',
  ' e6c3a0e7d15e Downloading [>            ]  410.0kB/40MB',
  ' 0a1b2c3d4e5f Downloading [=>           ]  1GB/10GB',
  ' e6c3a0e7d15e Verifying Checksum ',
  ' e6c3a0e7d15e Extracting [>            ]    426kB/40MB',
  ' 0a1b2c3d4e5f Download complete ',
  ' 0a1b2c3d4e5f Pull complete ',
  ' web Pulled ',
];

describe('what a pull prints', () => {
  it('is how many bytes are here, and of how many once every layer has said', () => {
    const progress = new PullProgress('web');
    const told = LINES.flatMap((line) => progress.read(line) ?? []);
    expect(told).toEqual([
      { service: 'web', doing: 'downloading', doneBytes: 407_600, totalBytes: null },
      { service: 'web', doing: 'downloading', doneBytes: 1_000_410_000, totalBytes: 10_040_000_000 },
      { service: 'web', doing: 'downloading', doneBytes: 1_040_000_000, totalBytes: 10_040_000_000 },
      { service: 'web', doing: 'unpacking', doneBytes: 10_040_000_000, totalBytes: 10_040_000_000 },
    ]);
  });
});
