/** Where the service listens: addresses as people write them, and the sockets made from them. */
import { chmodSync, lstatSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import type { Server } from 'node:http';
import { type AddressInfo, BlockList, connect, isIP } from 'node:net';
import { dirname, join } from 'node:path';
import { CgError, errnoOf } from '../errors.ts';

export type Address =
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number }
  | { readonly kind: 'unix'; readonly path: string };

/** sun_path of unix(7), less the final NUL and the private folder in which the socket is made. */
const LONGEST_SOCKET_PATH = 107 - '.new-XXXXXX/s'.length;

const LOOPBACK = new BlockList();
LOOPBACK.addSubnet('127.0.0.0', 8);
LOOPBACK.addAddress('::1', 'ipv6');

/** `127.0.0.1:9753`, `[::1]:9753`, `localhost:0`, `unix:/run/cgctl/cgctl.sock`; undefined for anything else. */
export function parseAddress(text: string): Address | undefined {
  if (text.startsWith('unix:')) {
    const path = text.slice('unix:'.length);
    const acceptable = path.startsWith('/') && !path.includes('\0') && Buffer.byteLength(path) <= LONGEST_SOCKET_PATH;
    return acceptable ? { kind: 'unix', path } : undefined;
  }
  const [, bracketed, plain, digits] = /^(?:\[([^\]]+)\]|([^:[\]\s]+)):(\d{1,5})$/.exec(text) ?? [];
  const port = Number(digits);
  const host = bracketed ?? plain;
  if (host === undefined || port > 65535) return undefined;
  if (bracketed !== undefined && isIP(bracketed) !== 6) return undefined;
  return { kind: 'tcp', host, port };
}

/** Whether only this machine can connect. A name other than `localhost` may mean anything, so it does not count. */
export function isLocal(address: Address): boolean {
  if (address.kind === 'unix' || address.host === 'localhost') return true;
  const family = isIP(address.host);
  return family !== 0 && LOOPBACK.check(address.host, family === 6 ? 'ipv6' : 'ipv4');
}

/** An address as a URL's host has it: `[::1]`, and IPv4 mapped into IPv6 as what it is. */
export function hostLiteral(ip: string): string {
  const v4 = /^::ffff:([\d.]+)$/i.exec(ip)?.[1];
  if (v4 !== undefined) return v4;
  return isIP(ip) === 6 ? `[${ip}]` : ip;
}

/**
 * Start listening. @returns the address as a URL (`unix:` addresses as they are), with the port that was found for port 0
 * @throws CgError UNREACHABLE when the address is taken, PERMISSION, or UNSUPPORTED with the errno
 */
export async function listen(server: Server, address: Address, scheme: 'http' | 'https'): Promise<string> {
  if (address.kind === 'unix') {
    await listenUnix(server, address.path);
    return `unix:${address.path}`;
  }
  await listening(server, () => server.listen({ host: address.host, port: address.port }), addressText(address));
  const { port } = tcpAddress(server);
  return `${scheme}://${hostLiteral(address.host)}:${port}`;
}

/** What has to be undone after the server was closed: Node knows the socket only by the name that it was made with. */
export function forget(address: Address): void {
  if (address.kind === 'unix') rmSync(address.path, { force: true });
}

/** The socket is made in a folder that nobody else can enter, so that it is never open to others, not even for a moment. */
async function listenUnix(server: Server, path: string): Promise<void> {
  await refuseIfTaken(path);
  const folder = dirname(path);
  try {
    mkdirSync(folder, { recursive: true, mode: 0o755 });
    const nursery = mkdtempSync(join(folder, '.new-'));
    try {
      const born = join(nursery, 's');
      await listening(server, () => server.listen({ path: born }), `unix:${path}`);
      chmodSync(born, 0o600);
      renameSync(born, path);
    } finally {
      rmSync(nursery, { recursive: true, force: true });
    }
  } catch (error) {
    throw error instanceof CgError ? error : cannotListen(`unix:${path}`, error);
  }
}

/** A socket that nobody answers is left over and may be replaced; anything else at the path is somebody's. */
async function refuseIfTaken(path: string): Promise<void> {
  const there = lstatSync(path, { throwIfNoEntry: false });
  if (there === undefined) return;
  if (!there.isSocket()) throw new CgError('EXISTS', `${path} is there and is not a socket`, { path });
  if (await answers(path)) throw new CgError('UNREACHABLE', `another service answers at unix:${path}`, { path });
}

function answers(path: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const socket = connect(path);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', (error) => {
      if (['ECONNREFUSED', 'ENOENT'].includes(errnoOf(error) ?? '')) resolve(false);
      else reject(cannotListen(`unix:${path}`, error));
    });
  });
}

function listening(server: Server, start: () => void, where: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const failed = (error: Error) => reject(cannotListen(where, error));
    server.once('error', failed);
    server.once('listening', () => {
      server.off('error', failed);
      resolve();
    });
    start();
  });
}

function cannotListen(where: string, cause: unknown): CgError {
  const errno = errnoOf(cause) ?? 'unknown error';
  if (errno === 'EADDRINUSE')
    return new CgError('UNREACHABLE', `${where} is in use by another program`, { errno }, { cause });
  const code = errno === 'EACCES' || errno === 'EPERM' ? 'PERMISSION' : 'UNSUPPORTED';
  return new CgError(code, `cannot listen at ${where}: ${errno}`, { errno }, { cause });
}

function addressText(address: Address): string {
  return address.kind === 'unix' ? `unix:${address.path}` : `${hostLiteral(address.host)}:${address.port}`;
}

function tcpAddress(server: Server): AddressInfo {
  const address = server.address();
  if (address === null || typeof address === 'string') throw new CgError('INTERNAL', 'a TCP server without a port');
  return address;
}
