import { join } from 'node:path';
import { expect, it } from 'vitest';
import { reference } from '../support/reference.ts';

const FILE = join(import.meta.dirname, '../../docs/reference.md');

it('docs/reference.md is what the program is: vitest -u writes it anew', async () => {
  await expect(await reference()).toMatchFileSnapshot(FILE);
});

it('every command and every key says what it is', async () => {
  const text = await reference();
  const rows = text.split('\n').filter((line) => line.startsWith('| `'));
  expect(rows.filter((row) => /\|\s+\|$/.test(row)).map((row) => row.split('|')[1]?.trim())).toEqual([]);
});
