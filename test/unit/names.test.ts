import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parse } from '../../src/cli/parse.ts';
import { DeployError } from '../../src/core/errors.ts';
import { pinnedTag } from '../../src/core/labels.ts';

const HOSTILE = [
  ...['; rm -rf /', '$(x)', '`x`', '../../x', '..', '-rf', '--help', 'v1\n', 'v1\0', '\u001b[2J', 'é', '', ' ', 'a b'],
  ...["'", '"', '\\', '*', '~', '#x', '&', '|x', '>x', 'v1:2', 'a/b', '{{x}}', 'x'.repeat(200)],
];
const text = fc.oneof(fc.constantFrom(...HOSTILE), fc.string({ unit: 'binary' }), fc.string());

/** The parsed command line, or the code of its refusal; anything else fails. */
function parsed(...argv: string[]): ReturnType<typeof parse> | string {
  try {
    return parse(argv, '0.0.0');
  } catch (error) {
    if (error instanceof DeployError) return error.code;
    throw error;
  }
}

describe('whatever is typed', () => {
  it('as a version: it is a tag of an image, and that very one, or refused', () => {
    fc.assert(
      fc.property(text, (version) => {
        const said = parsed('deploy', '--', version);
        if (typeof said === 'string') expect(said).toBe('invalid-version');
        else {
          expect(said).toMatchObject({ command: 'deploy', options: { version } });
          expect(version).toMatch(/^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$/);
        }
      }),
    );
  });

  it('as a service: it holds nothing but letters, digits, ".", "_" and "-", or is refused', () => {
    fc.assert(
      fc.property(text, (name) => {
        const said = parsed('deploy', 'v1', `--services=${name}`);
        if (typeof said === 'string') expect(said).toBe('invalid-usage');
        else expect(name).toMatch(/^[\w.,\s-]+$/);
      }),
    );
  });

  it('as any words at all: understood or refused', () => {
    const word = fc.oneof(text, fc.constantFrom('deploy', 'status', 'rollback', '--services', '--timeout', '-f', '--'));
    fc.assert(
      fc.property(fc.array(word, { maxLength: 5 }), (words) => {
        const said = parsed(...words);
        if (typeof said === 'string') expect(said).toMatch(/^invalid-/);
      }),
    );
  });
});

describe('the pinned tag of a release', () => {
  const name = fc.stringMatching(/^[a-zA-Z0-9._-]{1,20}$/);

  it('is a reference that every engine takes, whatever names Compose takes', () => {
    const reference = /^deploy-bg(\/[a-z\d]+((\.|__?|-+)[a-z\d]+)*){2}:[\w.-]+$/;
    fc.assert(
      fc.property(name, name, (project, service) => {
        expect(pinnedTag(project, service, 'r1')).toMatch(reference);
      }),
    );
  });

  it('is another one for another service', () => {
    fc.assert(
      fc.property(name, name, (one, other) => {
        expect(pinnedTag('shop', one, 'r1') === pinnedTag('shop', other, 'r1')).toBe(one === other);
      }),
    );
    expect(pinnedTag('shop', 'Web', 'r1')).not.toBe(pinnedTag('shop', 'web', 'r1'));
  });
});
