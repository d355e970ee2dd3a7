import { describe, expect, it } from 'vitest';
import { parseImage } from '../../src/core/image-reference.ts';
import { isSchedule, onCalendar } from '../../src/core/schedule.ts';
import { isNewer, isWithin, newestVersion, parseWindow, tagForm, windowText } from '../../src/core/update.ts';

describe('the name of an image', () => {
  it.each([
    ['nginx', 'docker.io', 'library/nginx', 'latest'],
    ['nginx:1.2', 'docker.io', 'library/nginx', '1.2'],
    ['shop/web', 'docker.io', 'shop/web', 'latest'],
    ['docker.io/nginx:1', 'docker.io', 'library/nginx', '1'],
    ['index.docker.io/shop/web', 'docker.io', 'shop/web', 'latest'],
    ['registry.example/shop/web:v1', 'registry.example', 'shop/web', 'v1'],
    ['localhost/web', 'localhost', 'web', 'latest'],
    ['127.0.0.1:5000/shop/web', '127.0.0.1:5000', 'shop/web', 'latest'],
    ['[::1]:5000/web:v1', '[::1]:5000', 'web', 'v1'],
    ['web:5000/x:y', 'web:5000', 'x', 'y'],
  ])('%s is taken apart as Docker does', (text, domain, path, tag) => {
    expect(parseImage(text)).toEqual({ domain, path, tag, digest: null });
  });

  it('may have a digest as well', () => {
    expect(parseImage('web:v1@sha256:ab')).toMatchObject({ tag: 'v1', digest: 'sha256:ab' });
  });
});

describe('the newest version in a range', () => {
  const plain = { before: '', after: '' };
  it.each([
    [['1.2.0', '1.10.0', '1.9.9', '2.0.0', 'latest'], '^1.2', '1.10.0'],
    [['v1.2.0', 'v1.3.0'], '^1.2', 'v1.3.0'],
    [['1.3.0-rc.1', '1.2.5'], '^1.2', '1.2.5'],
    [['1.2', 'main', 'sha-1234'], '^1.2', null],
    [[], '*', null],
  ])('of %j in %s is %s', (tags, range, newest) => {
    expect(newestVersion(tags, plain, range)).toBe(newest);
  });

  it('is found between what stands around the version', () => {
    const form = tagForm('shop/web:app-1.2.0-alpine', '1.2.0');
    expect(form).toEqual({ before: 'app-', after: '-alpine' });
    const tags = ['app-1.3.0-alpine', 'app-1.4.0', '1.5.0', 'app--alpine', 'app-alpine'];
    expect(newestVersion(tags, form ?? plain, '^1')).toBe('1.3.0');
  });

  it('is not guessed where the tag holds no version, or holds it twice', () => {
    expect(tagForm('shop/web:latest', '1.2.0')).toBeNull();
    expect(tagForm('shop/web:1.2.0-on-1.2.0', '1.2.0')).toBeNull();
    expect(tagForm('shop-1.2.0/web', '1.2.0')).toBeNull();
  });

  it('comes after versions only', () => {
    expect(isNewer('1.10.0', '1.9.0')).toBe(true);
    expect(isNewer('1.10.0', 'v1.10.0')).toBe(false);
    for (const live of ['2.0', 'main', 'latest']) expect(isNewer('1.9.0', live)).toBe(false);
  });
});

describe('a window for updates', () => {
  it.each([
    ['22:00-06:30', [22 * 60, 23 * 60 + 59, 0, 6 * 60 + 29], [6 * 60 + 30, 12 * 60]],
    ['09:15-17:00', [9 * 60 + 15, 16 * 60 + 59], [9 * 60 + 14, 17 * 60, 0]],
    ['20:00-24:00', [23 * 60 + 59], [0, 19 * 60 + 59]],
  ])('%s is open in its hours only', (text, open, closed) => {
    const window = parseWindow(text) ?? { from: -1, to: -1 };
    expect(open.map((minute) => isWithin(window, minute))).not.toContain(false);
    expect(closed.map((minute) => isWithin(window, minute))).not.toContain(true);
    expect(windowText(window)).toBe(text);
  });

  it.each(['22-06', '25:00-06:00', '22:60-06:00', '06:00-06:00', '06:00-24:30', 'night'])('%s is none', (text) => {
    expect(parseWindow(text)).toBeNull();
  });
});

describe('a cron expression', () => {
  it.each([
    ['0 4 * * *', ['*-*-* 4:0:00']],
    ['*/15 * * * *', ['*-*-* *:0,15,30,45:00']],
    ['30 2-4 1,15 */2 *', ['*-1,3,5,7,9,11-1,15 2,3,4:30:00']],
    ['* 5-23/6 */31 */12 *', ['*-1-1 5,11,17,23:*:00']],
    ['0 4 * * fri-sun', ['Sun,Fri,Sat *-*-* 4:0:00']],
    ['0 4 1-7 * */7', ['Sun *-*-1,2,3,4,5,6,7 4:0:00']],
    ['0 4 * * 0-6', ['*-*-* 4:0:00']],
    ['0 4 * * 1-5', ['Mon,Tue,Wed,Thu,Fri *-*-* 4:0:00']],
    ['0 4 * * 5-7', ['Sun,Fri,Sat *-*-* 4:0:00']],
    ['0 4 * * */3', ['Sun,Wed,Sat *-*-* 4:0:00']],
    ['0 4 * JAN,jul sun', ['Sun *-1,7-* 4:0:00']],
    ['0 4 13 * 5', ['*-*-13 4:0:00', 'Fri *-*-* 4:0:00']],
  ])('%s is %j for systemd', (schedule, calendar) => {
    expect(isSchedule(schedule)).toBe(true);
    expect(onCalendar(schedule)).toEqual(calendar);
  });

  it.each([
    '',
    '@daily',
    '0 4 * *',
    '0 0 4 * * *',
    '61 4 * * *',
    '0 4 L * *',
    '0 4 * * 1#2',
    '0 4 * * ?',
    '0 4 * FOO *',
  ])('is not %j', (text) => {
    expect(isSchedule(text)).toBe(false);
  });
});
