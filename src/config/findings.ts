import type { Diagnostic } from '../core/project.ts';
import type { KeyPath, Sources } from './sources.ts';

/** Something that validation has to say about a key of the compose files (codes: DESIGN section 4). */
export interface Finding {
  readonly code: string;
  /** Keys from the root of the compose file. */
  readonly path: KeyPath;
  readonly message: string;
  readonly hint: string;
}

/** The path for people: `services.web.x-deploy-bg.steps[2]`. */
export function pathText(path: KeyPath): string {
  return path
    .map((key) => (typeof key === 'number' ? `[${String(key)}]` : `.${key}`))
    .join('')
    .replace(/^\./, '');
}

/** The finding with the file and line of its key, or of the nearest key above it that the user wrote. */
export function located(finding: Finding, sources: Sources): Diagnostic {
  const place = sources.locate(finding.path);
  return {
    code: finding.code,
    message: finding.message,
    hint: finding.hint,
    file: place?.file ?? null,
    line: place?.line ?? null,
  };
}

/** Warnings are reported and nothing else happens. */
export function isWarning(finding: { readonly code: string }): boolean {
  return finding.code.startsWith('W');
}

/** One line for people: `compose.yml:12: E01 unknown key …; hint`. */
export function diagnosticText(diagnostic: Diagnostic): string {
  const line = diagnostic.line === null ? '' : `:${String(diagnostic.line)}`;
  const place = diagnostic.file === null ? '' : `${diagnostic.file}${line}: `;
  return `${place}${diagnostic.code} ${diagnostic.message}; ${diagnostic.hint}`;
}
