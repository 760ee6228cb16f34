/** What is on its way to one client of the stream, and whether more may be put there. */
import type { WebSocket } from 'ws';

/** Beyond so much that the client has not read yet nothing is added; so a client holds at most that and one message more. */
const FULL_BYTES = 1024 * 1024;
/** Once full, it has room again when no more than this is left. */
const ROOM_BYTES = FULL_BYTES / 4;

export class Outbox {
  readonly #ws: WebSocket;
  #draining = false;

  constructor(ws: WebSocket) {
    this.#ws = ws;
  }

  get isFull(): boolean {
    this.#draining = this.#ws.bufferedAmount > (this.#draining ? ROOM_BYTES : FULL_BYTES);
    return this.#draining;
  }

  send(bytes: Buffer): void {
    if (this.#ws.readyState === this.#ws.OPEN) this.#ws.send(bytes, { binary: false });
  }
}
