import { PassThrough } from 'node:stream';
import Docker from 'dockerode';
import { describe, expect, it } from 'vitest';
import { execIn } from '../../../src/adapters/commands/exec.ts';

const never = new AbortController().signal;

/** Bytes as the engine frames them: a header of 8 bytes with the stream and the length. */
function frame(stream: 1 | 2, text: string): Buffer {
  const header = Buffer.alloc(8);
  header.writeUInt8(stream, 0);
  header.writeUInt32BE(Buffer.byteLength(text), 4);
  return Buffer.concat([header, Buffer.from(text)]);
}

/** An engine whose one container runs what it is asked to. */
function engine(exitCode: number, stream: PassThrough | Error) {
  const asked: unknown[] = [];
  const docker = new Docker({ socketPath: '/nowhere' });
  const exec = {
    start: () => Promise.resolve(stream),
    inspect: () => Promise.resolve({ ExitCode: exitCode }),
  };
  const container = {
    exec: (options: unknown) => {
      asked.push(options);
      return stream instanceof Error ? Promise.reject(stream) : Promise.resolve(exec);
    },
  };
  return { asked, docker: Object.assign(docker, { getContainer: () => container }) };
}

const request = { run: 'true', environment: { DEPLOY_TO: 'v2' }, timeoutMs: 5000, onLine: () => undefined };

describe('a command in a container', () => {
  it('gives the lines of both streams and its exit code', async () => {
    const stream = new PassThrough();
    const { docker, asked } = engine(3, stream);
    const lines: string[] = [];
    const ended = execIn(docker, 'c1', { ...request, onLine: (line) => lines.push(line) }, never);
    stream.write(frame(1, 'one\ntw'));
    stream.write(frame(1, 'o\n'));
    stream.end(frame(2, 'three\n'));
    expect(await ended).toEqual({ kind: 'exited', exitCode: 3, tail: ['one', 'two', 'three'] });
    expect(lines).toEqual(['one', 'two', 'three']);
    expect(asked).toEqual([
      { Cmd: ['sh', '-c', 'true'], Env: ['DEPLOY_TO=v2'], AttachStdout: true, AttachStderr: true },
    ]);
  });

  it('is not waited for after its timeout, or when it is stopped', async () => {
    const late = engine(0, new PassThrough());
    expect(await execIn(late.docker, 'c1', { ...request, timeoutMs: 50 }, never)).toEqual({
      kind: 'timed-out',
      tail: [],
    });
    const stopped = engine(0, new PassThrough());
    expect(await execIn(stopped.docker, 'c1', request, AbortSignal.timeout(50))).toEqual({ kind: 'stopped', tail: [] });
  });

  it('cannot start in a container that is gone', async () => {
    const { docker } = engine(0, new Error('no such container'));
    expect(await execIn(docker, 'c1', request, never)).toEqual({
      kind: 'not-started',
      reason: 'no such container',
      noImage: false,
    });
  });
});
