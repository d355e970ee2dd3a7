import { connect } from 'node:net';

const HEALTHCHECK_MS = 2000;

/** GET /health on this machine by hand (node:net loads faster than node:http): exit 0 when it answers 200, else 1. */
export function healthcheck(port: number): void {
  const socket = connect(port, '127.0.0.1', () => {
    socket.write('GET /health HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n');
  });
  const done = (words: string): never => {
    process.stdout.write(`${words}\n`);
    process.exit(words.includes(' 200 ') ? 0 : 1);
  };
  socket.setTimeout(HEALTHCHECK_MS, () => done(`no answer within ${HEALTHCHECK_MS} ms`));
  socket.once('data', (answer) => done(answer.toString('latin1').split('\r\n', 1)[0] ?? ''));
  socket.once('error', (error) => done(error.message));
  socket.once('end', () => done('closed without an answer'));
}
