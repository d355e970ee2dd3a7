import { randomBytes } from 'node:crypto';
import type { Answer } from '../answer.ts';
import { HTTP_FILE, type NginxConfig } from './render.ts';

/**
 * Each time that files are written they are of another generation, also where their content was there before. nginx loads
 * one configuration after the other, so its answer with the generation of the files is evidence that nothing else is to
 * come; the same digest may be the answer of a worker that is about to be replaced.
 */
export interface WrittenConfig extends NginxConfig {
  /** Empty in files of versions that knew of none. */
  readonly generation: string;
}

const STAMP = /(config [0-9a-f]{16})(?: ([0-9a-f]{16}))?(?=\\n)/;

export function newGeneration(): string {
  return randomBytes(8).toString('hex');
}

/** Our part in nginx's http context, which says its generation beside its digest. */
export function stamped(http: string, generation: string): string {
  return http.replace(STAMP, `$1${generation === '' ? '' : ` ${generation}`}`);
}

/** A configuration as it is written. */
export function written(config: NginxConfig, generation: string): WrittenConfig {
  const files = config.files.map(({ file, content }) => ({
    file,
    content: file === HTTP_FILE ? stamped(content, generation) : content,
  }));
  return { ...config, files, generation };
}

/** The generation of files, by our part in the http context. */
export function generationOf(http: string): string {
  return STAMP.exec(http)?.[2] ?? '';
}

/** The generation that nginx has loaded. */
export function loadedGeneration(answer: Answer): string {
  return answer.rest('config', answer.digest);
}
