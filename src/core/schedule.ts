import { Cron } from 'croner';

const DAYS = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'] as const;
const MONTHS = ['JAN', 'FEB', 'MAR', 'APR', 'MAY', 'JUN', 'JUL', 'AUG', 'SEP', 'OCT', 'NOV', 'DEC'] as const;
const LAST_DAY = 7;

/** True for five fields of a cron expression that every cron knows (crontab(5)): no seconds, no `@daily`, no `L`. */
export function isSchedule(text: string): boolean {
  if (!/^[\d*,/A-Za-z-]+(\s+[\d*,/A-Za-z-]+){4}$/.test(text.trim()) || /\b\d*[LW]+\b/i.test(text)) return false;
  try {
    new Cron(text, { paused: true, mode: '5-part' });
    return true;
  } catch {
    return false;
  }
}

/**
 * A cron expression as `OnCalendar=` of systemd (systemd.time(7)). Two of them where it names days of the month and
 * days of the week: for cron one of both is enough, for systemd both have to be right.
 */
export function onCalendar(schedule: string): readonly string[] {
  const [minute = '*', hour = '*', day = '*', month = '*', weekday = '*'] = schedule.trim().split(/\s+/);
  const time = `${field(hour, 0)}:${field(minute, 0)}:00`;
  const months = field(monthNumbers(month), 1);
  const byDay = `*-${months}-${field(day, 1)} ${time}`;
  const byWeekday = `${weekdays(weekday)} *-${months}-* ${time}`;
  if (weekday === '*') return [byDay];
  return day === '*' ? [byWeekday] : [byDay, byWeekday];
}

/** @param first value of the field, which `*` begins at */
function field(text: string, first: number): string {
  return text.replace(/\*\//g, `${String(first)}/`).replaceAll('-', '..');
}

function monthNumbers(text: string): string {
  return text.replace(/[A-Za-z]{3}/g, (name) => String(MONTHS.findIndex((month) => month === name.toUpperCase()) + 1));
}

/** Each of the days by its name: ranges of cron may go over Sunday, which is 0 and 7. */
function weekdays(text: string): string {
  const named = new Set(
    text
      .split(',')
      .flatMap(daysOf)
      .map((day) => day % LAST_DAY),
  );
  return DAYS.filter((_, day) => named.has(day)).join(',');
}

function daysOf(part: string): number[] {
  const [range = '*', step = '1'] = part.split('/');
  const [from = '0', to] = range === '*' ? ['0', '6'] : range.split('-');
  const last = to === undefined ? (part.includes('/') ? '6' : from) : to;
  const [first, end] = [dayNumber(from), dayNumber(last)];
  return Array.from({ length: end - first + 1 }, (_, index) => first + index).filter(
    (day) => (day - first) % Number(step) === 0,
  );
}

function dayNumber(text: string): number {
  const at = DAYS.findIndex((day) => day.toLowerCase() === text.toLowerCase());
  return at < 0 ? Number(text) : at;
}
