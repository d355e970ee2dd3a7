import { readFile } from 'node:fs/promises';
import { connect } from 'node:net';

const LOOK_MS = 250;

/** Docker closes the socket and lives on if it asks its plugin to end; give it time to die if it does not. */
const SETTLE_MS = 100;

/**
 * Docker does not hand signals on to its plugins: it closes the socket that DOCKER_CLI_PLUGIN_SOCKET names. It also
 * closes when docker dies, and that is no request: then our parent is another one. Returns what ends the watch.
 */
export function onDockerAsks(socket: string | undefined, asked: () => void): () => void {
  if (socket === undefined || socket === '') return () => undefined;
  const parent = process.ppid;
  const closed = (): void => {
    const ask = (): void => {
      if (process.ppid === parent) asked();
    };
    setTimeout(ask, SETTLE_MS).unref();
  };
  return socket.startsWith('@') ? watchAbstract(socket, closed) : watchFile(socket, closed);
}

/** Node 20 cannot connect to Linux's abstract sockets of a given length, so the kernel's list of them is read. */
function watchAbstract(name: string, closed: () => void): () => void {
  let seen = false;
  const look = async (): Promise<void> => {
    const listed = await isListed(name);
    if (seen && !listed) {
      clearInterval(timer);
      closed();
    }
    seen = listed;
  };
  const timer = setInterval(() => void look(), LOOK_MS).unref();
  void look();
  return () => {
    clearInterval(timer);
  };
}

async function isListed(name: string): Promise<boolean> {
  const list = await readFile('/proc/net/unix', 'latin1').catch(() => '');
  return list.includes(` ${name}\n`);
}

function watchFile(path: string, closed: () => void): () => void {
  let connected = false;
  const socket = connect(path).unref();
  socket.on('connect', () => {
    connected = true;
  });
  socket.on('error', () => undefined);
  socket.on('close', () => {
    if (connected) closed();
  });
  socket.resume();
  return () => socket.removeAllListeners('close').destroy();
}
