import { Cron } from 'croner';

/** A field of a cron expression: its bounds, and names for its numbers. */
interface Field {
  readonly first: number;
  readonly last: number;
  readonly names: readonly string[];
}

const DAYS = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'] as const;
const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
const MINUTE: Field = { first: 0, last: 59, names: [] };
const HOUR: Field = { first: 0, last: 23, names: [] };
const DAY: Field = { first: 1, last: 31, names: [] };
const MONTH: Field = { first: 1, last: 12, names: MONTHS };
const WEEKDAY: Field = { first: 0, last: 6, names: DAYS.map((day) => day.toLowerCase()) };

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
 * days of the week: for cron one of both is enough, unless one begins with `*` (crontab(5)); for systemd both have to be
 * right.
 */
export function onCalendar(schedule: string): readonly string[] {
  const [minute = '*', hour = '*', day = '*', month = '*', weekday = '*'] = schedule.trim().split(/\s+/);
  const time = `${text(hour, HOUR)}:${text(minute, MINUTE)}:00`;
  const [months, days] = [text(month, MONTH), text(day, DAY)];
  const named = values(weekday, WEEKDAY);
  const weekdays = named.length > WEEKDAY.last ? '' : `${named.map((each) => DAYS[each]).join(',')} `;
  if (weekdays === '' || days === '*' || day.startsWith('*') || weekday.startsWith('*'))
    return [`${weekdays}*-${months}-${days} ${time}`];
  return [`*-${months}-${days} ${time}`, `${weekdays}*-${months}-* ${time}`];
}

function text(written: string, field: Field): string {
  const all = values(written, field);
  return all.length > field.last - field.first ? '*' : all.join(',');
}

/** Every value that a field stands for, in order. */
function values(written: string, field: Field): readonly number[] {
  const all = new Set(written.split(',').flatMap((part) => valuesOf(part, field)));
  return [...all].sort((a, b) => a - b);
}

function valuesOf(part: string, field: Field): number[] {
  const [range = '*', step] = part.split('/');
  const [from = '', to] = range.split('-');
  const first = from === '*' ? field.first : numberOf(from, field);
  const end = from === '*' || (to === undefined && step !== undefined) ? field.last : numberOf(to ?? from, field);
  // Sunday is 0 and 7, and `fri-sun` ends with it.
  const last = end < first ? end + field.last + 1 : end;
  const length = Math.floor((last - first) / Number(step ?? 1)) + 1;
  const steps = Array.from({ length }, (_, index) => first + index * Number(step ?? 1));
  return steps.map((value) => (field === WEEKDAY ? value % DAYS.length : value));
}

function numberOf(word: string, { first, names }: Field): number {
  const at = names.indexOf(word.toLowerCase());
  return at < 0 ? Number(word) : at + first;
}
