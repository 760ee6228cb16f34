/** The way to the service: its facts once, then the stream for as long as the page is open. */
import { Client, type Live, type State } from '../client/client.ts';
import type { EventMessage, Hello, ProblemMessage, SnapshotMessage } from '../protocol/stream.ts';

export type { State } from '../client/client.ts';

/** What the page needs of `/api/v1/info`. */
export interface Info {
  readonly host: string;
  readonly version: string;
  readonly interval: number;
  readonly machine: {
    readonly mode: string;
    readonly kernel: string;
    readonly onlineCpus: readonly number[];
    readonly nodes: readonly { readonly memoryBytes: number }[];
  };
}

export interface Listener {
  state(state: State): void;
  info(info: Info): void;
  /** Tables come as whole snapshots, whatever was sent of them; `hello` for each life of the service. */
  message(message: Hello | SnapshotMessage | EventMessage | ProblemMessage): void;
}

const STORED_TOKEN = 'cgctl.token';
const PAUSE_MS = 2_000;

export class Connection {
  readonly #listener: Listener;
  readonly #client = new Client({ url: location.origin, token: sessionStorage.getItem(STORED_TOKEN) ?? undefined });
  #live: Live | undefined;
  #instance = '';
  #timer = 0;

  constructor(listener: Listener) {
    this.#listener = listener;
  }

  async open(): Promise<void> {
    window.clearTimeout(this.#timer);
    if (this.#live === undefined) this.#listener.state({ kind: 'connecting' });
    try {
      const response = await this.get('/api/v1/info');
      if (response.status === 401) {
        this.#listener.state({ kind: 'locked', wrong: sessionStorage.getItem(STORED_TOKEN) !== null });
        return;
      }
      if (!response.ok) throw new Error(response.statusText);
      const info: Info = await response.json();
      this.#listener.info(info);
      this.#live ??= this.#follow(Math.round(info.interval * 1000));
    } catch {
      this.#listener.state({ kind: 'lost', retryAt: Date.now() + PAUSE_MS });
      this.#timer = window.setTimeout(() => void this.open(), PAUSE_MS);
    }
  }

  /** Try again with a token; it stays in this tab. */
  unlock(given: string): void {
    sessionStorage.setItem(STORED_TOKEN, given);
    this.#client.unlock(given);
    void this.open();
  }

  get(path: string): Promise<Response> {
    return this.#client.request(path, { cache: 'no-store' });
  }

  #follow(intervalMs: number): Live {
    return this.#client.live(
      { intervalMs },
      {
        state: (state) => this.#listener.state(state),
        hello: (hello) => {
          // What is known of this life of the service stays; another one may be another version of it.
          if (this.#instance === hello.instance) return;
          if (this.#instance !== '') void this.open();
          this.#instance = hello.instance;
          this.#listener.message(hello);
        },
        table: (table) => this.#listener.message({ type: 'snapshot', sub: '', ...table }),
        event: (event) => this.#listener.message({ type: 'event', event }),
        problem: (problem) => this.#listener.message(problem),
      },
    );
  }
}
