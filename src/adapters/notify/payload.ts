import type { Notice, NoticeLevel } from '../../core/notice.ts';
import type { NotifyTarget } from '../../core/notify.ts';

const SIGNS: Readonly<Record<NoticeLevel, string>> = {
  info: ':information_source:',
  warn: ':warning:',
  error: ':rotating_light:',
};

/** The body of a notice for a receiver; `at` in milliseconds since the epoch. */
export function payload(format: NotifyTarget['format'], notice: Notice, project: string, at: number): string {
  const { level, text, fields } = notice;
  if (format === 'json') return JSON.stringify({ level, project, text, at: new Date(at).toISOString(), fields });
  return JSON.stringify({ text: `${SIGNS[level]} *${forSlack(project)}* ${forSlack(text)}` });
}

/** The three characters that mean something to Slack (api.slack.com/reference/surfaces/formatting). */
function forSlack(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
