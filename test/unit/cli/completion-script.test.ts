import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { completionScript } from '../../../src/cli/install/completion-script.ts';

let folder: string;
let program: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'deploy-bg-complete-'));
  program = join(folder, 'docker-deploy-bg');
  // Says what it was asked, and offers two words.
  const script = `#!/bin/sh\nprintf '%s|' "$@" > ${folder}/asked\nprintf 'status\\tshow it\\nstart up\\tnot\\n:4\\n'\n`;
  writeFileSync(program, script);
  chmodSync(program, 0o755);
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

function asked(): string {
  return execFileSync('cat', [join(folder, 'asked')], { encoding: 'utf8' });
}

describe('the completion script', () => {
  it('of bash asks with the words so far, also an empty one, and offers what is answered', () => {
    const typed = `COMP_WORDS=(${program} --ansi never ''); COMP_CWORD=3; _docker_deploy_bg_complete`;
    const script = `${completionScript('bash')}\n${typed}\nprintf '%s\\n' "\${COMPREPLY[@]}"`;
    const { stdout, stderr } = spawnSync('bash', ['--norc', '-uc', script], { encoding: 'utf8' });
    expect([stdout, stderr]).toEqual(['status\nstart up\n', '']);
    expect(asked()).toBe('__complete|--ansi|never||');
  });

  it.each(['zsh', 'fish'] as const)('of %s is one that it can read, where there is one', (shell) => {
    const { error, status, stderr } = spawnSync(shell, ['-n'], { encoding: 'utf8', input: completionScript(shell) });
    if (error === undefined) expect([status, stderr]).toEqual([0, '']);
    expect(completionScript(shell)).toContain('docker-deploy-bg');
  });
});
