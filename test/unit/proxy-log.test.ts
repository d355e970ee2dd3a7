import { appendFile, mkdir, mkdtemp, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createAccessLog } from '../../src/adapters/proxy/access-log.ts';
import { LogFile } from '../../src/adapters/proxy/log-file.ts';
import {
  isLogIncluded,
  keepLogging,
  LOG_LIMIT,
  prepareLog,
  rememberIncluded,
} from '../../src/adapters/proxy/nginx/logging.ts';
import type { Clock, RouterTarget } from '../../src/app/ports.ts';

let output: string;
let folder: string;

beforeEach(async () => {
  output = await mkdtemp(join(tmpdir(), 'deploy-bg-log-'));
  folder = join(output, 'log');
  await mkdir(folder);
});

afterEach(async () => {
  await rm(output, { recursive: true });
});

describe('a log that grows', () => {
  test('is read bit by bit, in whole lines', async () => {
    const file = new LogFile(folder, 'access.log');
    expect(await file.newLines()).toBeNull();
    await writeFile(join(folder, 'access.log'), 'a\nb\nc');
    expect(await file.newLines()).toEqual(['a', 'b']);
    await appendFile(join(folder, 'access.log'), 'd\n');
    expect(await file.newLines()).toEqual(['cd']);
    expect(await file.newLines()).toEqual([]);
  });

  test('loses nothing when it is rotated, and begins anew when it is truncated', async () => {
    const file = new LogFile(folder, 'access.log');
    await writeFile(join(folder, 'access.log'), 'a\n');
    await file.newLines();
    await appendFile(join(folder, 'access.log'), 'b\n');
    await rename(join(folder, 'access.log'), join(folder, 'access-1.log'));
    await writeFile(join(folder, 'access.log'), 'c\n');
    expect(await file.newLines()).toEqual(['b', 'c']);
    await file.truncate();
    await appendFile(join(folder, 'access.log'), 'd\n');
    expect(await file.newLines()).toEqual(['d']);
  });
});

describe('the log of nginx', () => {
  test('is written for some minutes, and no longer', async () => {
    await keepLogging(output, 1_700_000_050_000);
    expect((await readdir(folder)).toSorted()).toEqual(['on-17000000', 'on-17000001', 'on-17000002', 'on-17000003']);
    await keepLogging(output, 1_700_000_250_000);
    expect((await readdir(folder)).toSorted()).toEqual(['on-17000002', 'on-17000003', 'on-17000004', 'on-17000005']);
  });

  test('is there before nginx is, and emptied where it grew too long', async () => {
    const log = join(folder, 'access.log');
    await prepareLog(output);
    expect((await stat(log)).mode & 0o777).toBe(0o666);
    await writeFile(log, Buffer.alloc(LOG_LIMIT + 1));
    await prepareLog(output);
    expect((await stat(log)).size).toBe(0);
  });

  test('says what to add until nginx has it', async () => {
    const spec = {
      driver: 'nginx',
      service: 'proxy',
      output,
      mounted: '/etc/nginx/deploy-bg',
      template: null,
    } as const;
    const clock = { now: () => 1_700_000_000_000 } as Clock;
    const target: RouterTarget = { project: 'shop', spec };
    const log = createAccessLog(target, clock);
    const signal = new AbortController().signal;
    await prepareLog(output);
    await expect(log?.since(0, signal)).rejects.toMatchObject({
      code: 'proxy-not-wired',
      next: 'add `include /etc/nginx/deploy-bg/access-log.conf;` to the server that has the routes',
    });
    await rememberIncluded(output, true);
    expect(await isLogIncluded(output)).toBe(true);
    const line =
      '{"deploy_bg":"1","msec":"1700000000.5","status":"200","upstream":"10.0.0.2:3000","header":"0.010","request":"0.020"}';
    await writeFile(join(folder, 'access.log'), `${line}\n{"torn":\n`);
    const record = { at: 1_700_000_000_500, status: 200, durationMs: 10, upstream: '10.0.0.2:3000' };
    expect(await Promise.all([log?.since(0, signal), log?.since(0, signal)])).toEqual([[record], [record]]);
    expect(await log?.since(record.at + 1, signal)).toEqual([]);
    await rememberIncluded(output, false);
    expect(await isLogIncluded(output)).toBe(false);
    await expect(log?.since(0, AbortSignal.abort())).rejects.toThrow();
    expect(createAccessLog({ ...target, spec: { ...spec, driver: 'none' } }, clock)).toBeNull();
  });
});
