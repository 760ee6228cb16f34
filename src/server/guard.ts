/** Who may ask what: the Host and Origin allow-lists against rebinding and other sites' pages, and the two tokens. */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { TLSSocket } from 'node:tls';
import { STREAM_PROTOCOL } from '../protocol/stream.ts';
import type { Config } from './config.ts';
import { HttpError } from './http.ts';
import { hostLiteral } from './listen.ts';

type Guarding = Pick<Config, 'allowHosts' | 'allowOrigins' | 'readToken' | 'writeToken' | 'enableWrites'>;

const OWN_NAMES = ['localhost', '127.0.0.1', '[::1]'];
/** The subprotocol that carries a token (base64url) where headers cannot be set. */
const TOKEN_PROTOCOL = 'cgctl.token.';

/**
 * A page of another site whose name resolves to this machine (DNS rebinding) shows in the Host header. An address is acceptable
 * where it is the very one that was connected to: a page under an address is that address's own.
 * @throws HttpError 421
 */
export function checkHost(request: IncomingMessage, { allowHosts }: Guarding): void {
  const name = hostName(request.headers.host);
  const local = request.socket.localAddress;
  const allowed = [
    ...OWN_NAMES,
    ...allowHosts.map((host) => host.toLowerCase()),
    ...(local === undefined ? [] : [hostLiteral(local)]),
  ];
  if (name !== undefined && allowed.includes(name)) return;
  throw new HttpError(421, 'AUTH', 'this service is not known under that Host; allowHosts names further ones', {
    host: name ?? null,
  });
}

/** Browsers tell from which site a request comes. @throws HttpError 403 for a site that is neither this one nor allowed */
export function checkOrigin(request: IncomingMessage, { allowOrigins }: Guarding): void {
  const { origin, host } = request.headers;
  const scheme = request.socket instanceof TLSSocket ? 'https' : 'http';
  if (origin === undefined || origin === `${scheme}://${host}` || allowOrigins.includes(origin)) return;
  throw new HttpError(403, 'AUTH', 'pages of that Origin may not do this; allowOrigins names further ones', { origin });
}

/** @throws HttpError 401 without a token that may read, where one is needed: not on a Unix socket, which only its owner opens */
export function checkReader(request: IncomingMessage, config: Guarding): void {
  if (mayRead(request, config)) return;
  throw unauthorised('reading needs the read token: send "Authorization: Bearer <token>"');
}

export function mayRead(request: IncomingMessage, config: Guarding): boolean {
  return config.readToken === undefined || isUnix(request) || opens(givenToken(request), config);
}

/** Whether a token lets read. */
export function opens(token: string | undefined, { readToken, writeToken }: Guarding): boolean {
  return isToken(token, readToken) || isToken(token, writeToken);
}

/** Whether the client of a stream gave no token, and says by the subprotocol that it can send it as the first message. */
export function sendsToken(request: IncomingMessage): boolean {
  return givenToken(request) === undefined && offeredProtocols(request).includes(STREAM_PROTOCOL);
}

/** @throws HttpError 403 where writing is off, 401 without the write token in the Authorization header */
export function checkWriter(request: IncomingMessage, { writeToken, enableWrites }: Guarding): void {
  if (!enableWrites)
    throw new HttpError(403, 'AUTH', 'writing is off: start the service with enableWrites and a write token');
  if (!isToken(bearer(request), writeToken)) {
    throw unauthorised('writing needs the write token: send "Authorization: Bearer <token>"');
  }
}

/** The time it takes does not tell how much of the token was right. */
function isToken(given: string | undefined, wanted: string | undefined): boolean {
  if (given === undefined || wanted === undefined) return false;
  return timingSafeEqual(sha256(given), sha256(wanted));
}

function sha256(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

function unauthorised(message: string): HttpError {
  return new HttpError(401, 'AUTH', message, {}, { 'www-authenticate': 'Bearer realm="cgctl"' });
}

function bearer({ headers }: IncomingMessage): string | undefined {
  return /^Bearer +([\x21-\x7e]+)$/i.exec(headers.authorization ?? '')?.[1];
}

function givenToken(request: IncomingMessage): string | undefined {
  const carrier = offeredProtocols(request).find((name) => name.startsWith(TOKEN_PROTOCOL));
  return (
    bearer(request) ??
    (carrier === undefined ? undefined : Buffer.from(carrier.slice(TOKEN_PROTOCOL.length), 'base64url').toString())
  );
}

function offeredProtocols({ headers }: IncomingMessage): string[] {
  return (headers['sec-websocket-protocol'] ?? '').split(',').map((name) => name.trim());
}

/** TCP sockets have an address until they are destroyed, and then no answer reaches anybody. */
function isUnix({ socket }: IncomingMessage): boolean {
  return socket.localAddress === undefined;
}

/** A Host header's name, without the port and in lower case; undefined where it is no host. */
function hostName(header: string | undefined): string | undefined {
  return /^(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::\d+)?$/i.exec(header ?? '')?.[1]?.toLowerCase();
}
