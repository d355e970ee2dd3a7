import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { composeCommand, withoutPluginVariables } from '../../../src/cli/compose-program.ts';

let root = '';
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'compose-program-'));
});
afterEach(() => {
  rmSync(root, { recursive: true });
});

const PROGRAM = '\x7fELF and what follows';
const SCRIPT = '#!/bin/sh\n';

function executable(path: string, content: string, mode = 0o755): string {
  const file = join(root, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, content, 'latin1');
  chmodSync(file, mode);
  return file;
}

const command = (docker: string, flags: readonly string[] = []) => composeCommand(docker, flags, join(root, 'config'));

describe('Compose is called', () => {
  it('by its own program where docker is a program, with the flags that docker was given', () => {
    const docker = executable('bin/docker', PROGRAM);
    const compose = executable('config/cli-plugins/docker-compose', PROGRAM);
    expect(command(docker)).toEqual([compose]);
    expect(command(docker, ['--context', 'far'])).toEqual([compose, '--context', 'far']);
  });

  it('through docker where docker is somebody’s script: it may do more than docker does', () => {
    const docker = executable('bin/docker', SCRIPT);
    executable('config/cli-plugins/docker-compose', PROGRAM);
    expect(command(docker)).toEqual([docker, 'compose']);
  });

  it('through docker where the program that docker would take is a script', () => {
    const docker = executable('bin/docker', PROGRAM);
    executable('config/cli-plugins/docker-compose', SCRIPT);
    expect(command(docker)).toEqual([docker, 'compose']);
  });

  it('through docker with a configuration folder of its own: Compose knows no such flag', () => {
    const docker = executable('bin/docker', PROGRAM);
    executable('config/cli-plugins/docker-compose', PROGRAM);
    expect(command(docker, ['--config', '/elsewhere'])).toEqual([docker, '--config', '/elsewhere', 'compose']);
  });

  it('from the folders that the configuration adds before all others, as docker does', () => {
    const docker = executable('bin/docker', PROGRAM);
    const added = executable('added/docker-compose', PROGRAM);
    const own = executable('config/cli-plugins/docker-compose', PROGRAM);
    const configure = (text: string) => executable('config/config.json', text);
    configure(JSON.stringify({ cliPluginsExtraDirs: [join(root, 'added')] }));
    expect(command(docker)).toEqual([added]);
    configure(JSON.stringify({ cliPluginsExtraDirs: [join(root, 'nowhere'), 1] }));
    expect(command(docker)).toEqual([own]);
    configure('no JSON');
    expect(command(docker)).toEqual([own]);
  });

  it('passing over a file that nobody may execute', () => {
    const docker = executable('bin/docker', PROGRAM);
    const refused = executable('config/cli-plugins/docker-compose', PROGRAM, 0o644);
    expect(command(docker)).not.toContain(refused);
  });
});

describe('the environment of Compose', () => {
  it('does not say that docker started it', () => {
    const env = { PATH: '/bin', DOCKER_HOST: 'unix:///x', DOCKER_CLI_PLUGIN_ORIGINAL_CLI_COMMAND: 'docker' };
    expect(withoutPluginVariables(env)).toEqual({ PATH: '/bin', DOCKER_HOST: 'unix:///x' });
  });
});
