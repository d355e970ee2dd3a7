import { readFileSync } from 'node:fs';
import { BlockList, isIP } from 'node:net';
import { DeployError, type ErrorCode, messageOf } from '../core/errors.ts';

/** Where the agent listens beside its unix socket. */
export interface ListenAddress {
  /** An IP address, without brackets. */
  readonly host: string;
  readonly port: number;
  /** Only this machine reaches it. */
  readonly isLoopback: boolean;
}

/** Where an address was given, and whether there is a token. */
export interface ListenSource {
  readonly name: string;
  readonly code: ErrorCode;
  readonly hasToken: boolean;
}

const ADDRESS = /^(?:\[([^\]%]+)\]|([^:]+)):(\d{1,5})$/;
/** As long as a key that nobody guesses. */
const SHORTEST_TOKEN = 32;

const loopback = new BlockList();
loopback.addSubnet('127.0.0.0', 8);
loopback.addAddress('::1', 'ipv6');

/**
 * `127.0.0.1:9180`, `[::1]:9180`.
 * @throws the source's code if it is no address, and if other machines reach it and there is no token
 */
export function listenAddress(text: string, { name, code, hasToken }: ListenSource): ListenAddress {
  const address = parse(text);
  if (address === null)
    throw new DeployError(code, {
      what: `${name}: ${JSON.stringify(text)} is no address to listen at`,
      next: 'give an IP address of this machine and a port: 127.0.0.1:9180 or [::1]:9180',
    });
  if (address.isLoopback || hasToken) return address;
  throw new DeployError(code, {
    what: `${name}: other machines reach ${text}, and there is no token to know those who may ask`,
    next: 'listen at 127.0.0.1, or give a token: agent init --token-file FILE, or DEPLOY_BG_TOKEN_FILE',
  });
}

function parse(text: string): ListenAddress | null {
  const [, bracketed, plain = '', digits] = ADDRESS.exec(text) ?? [];
  const [host, port] = [bracketed ?? plain, Number(digits)];
  const family = isIP(host);
  if (family !== (bracketed === undefined ? 4 : 6) || port < 1 || port > 65_535) return null;
  return { host, port, isLoopback: loopback.check(host, family === 4 ? 'ipv4' : 'ipv6') };
}

/** The token in a file. What is wrong with it is told without it. @throws invalid-config */
export function readToken(file: string): string {
  const token = contentOf(file).trim();
  if (/^[\x21-\x7e]+$/.test(token) && token.length >= SHORTEST_TOKEN) return token;
  throw noToken(`${file} holds no token: ${String(SHORTEST_TOKEN)} characters at least, of ASCII and without spaces`);
}

function contentOf(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw noToken(`the token cannot be read: ${messageOf(error)}`);
  }
}

function noToken(what: string): DeployError {
  return new DeployError('invalid-config', {
    what,
    next: 'make one: (umask 077; openssl rand -base64 32 > agent-token)',
  });
}
