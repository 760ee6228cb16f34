/** The view on a terminal, from the first frame to the last: it takes keys and looks, and draws what the model makes of them. */
import { StringDecoder } from 'node:string_decoder';
import { Figures, Happenings, shownColumns } from '../../view/figures.ts';
import { Lately } from '../../view/lately.ts';
import { Memory, type View } from '../../view/tree.ts';
import { deferred } from '../deferred.ts';
import type { Context, Screen, Streams } from '../verb.ts';
import { draw } from './draw.ts';
import { alone, hear } from './keys.ts';
import {
  type Effect,
  initial,
  type State,
  type Step,
  step,
  withDetail,
  withEvent,
  withFigures,
  withOutcome,
  withSize,
  withTrouble,
} from './model.ts';
import { perform } from './orders.ts';
import { paletteOf } from './paint.ts';
import { ENTER, type Frame, LEAVE, update } from './screen.ts';
import type { Source } from './source.ts';

/** An Esc that nothing follows for so long is the key. */
const ESCAPE_MS = 50;
/** So many intervals without a look, and what is shown is old. */
const STALE_INTERVALS = 3;

export interface SessionOptions {
  readonly intervalMs: number;
  readonly view: Partial<View>;
  /** Shows this group alone. */
  readonly single?: string;
  /** For the verbs that are called. */
  readonly flags: readonly string[];
}

/** Runs until somebody quits. @returns false where there is no terminal to draw on */
export async function runSession(source: Source, options: SessionOptions, io: Streams, ctx: Context): Promise<boolean> {
  const session = new Session(source, options, ctx);
  const screen = await io.takeScreen?.(session);
  if (screen === undefined) return false;
  try {
    await session.run(screen);
  } finally {
    screen.giveBack();
  }
  return true;
}

class Session {
  readonly enter = ENTER;
  readonly leave = LEAVE;
  readonly #source: Source;
  readonly #options: SessionOptions;
  readonly #ctx: Context;
  readonly #decoder = new StringDecoder('utf8');
  readonly #memory = new Memory();
  readonly #lately = new Lately();
  readonly #happenings = new Happenings();
  readonly #done = deferred();
  #state: State;
  #screen: Screen | undefined;
  /** What the terminal shows; undefined for nobody knows what. */
  #frame: Frame | undefined;
  #drawing: NodeJS.Immediate | undefined;
  #rest = '';
  #escape: NodeJS.Timeout | undefined;
  #arrived = 0;
  #looking = false;

  constructor(source: Source, options: SessionOptions, ctx: Context) {
    this.#source = source;
    this.#options = options;
    this.#ctx = ctx;
    this.#state = initial(shownColumns(source.columns), { columns: 80, rows: 24 }, options.view, options.single);
  }

  async run(screen: Screen): Promise<void> {
    const { signal } = this.#ctx;
    this.#screen = screen;
    const quit = () => this.#done.resolve();
    signal.addEventListener('abort', quit, { once: true });
    const stale = setInterval(() => this.#lookAtAge(), this.#options.intervalMs);
    this.redraw();
    this.#source.follow(this.#options.intervalMs, {
      table: (table) => {
        this.#arrived = performance.now();
        this.#memory.add(table);
        const told = this.#lately.add(table);
        this.#become(withFigures(this.#state, new Figures(told, 'rollup', this.#happenings)));
        if (this.#state.pane !== undefined) this.#look(this.#state.pane.id);
      },
      event: (event) => {
        this.#happenings.add(event);
        this.#become(withEvent(this.#state, event));
      },
      trouble: (text) => this.#become(withTrouble(this.#state, text)),
    });
    try {
      if (!signal.aborted) await this.#done.promise;
    } finally {
      signal.removeEventListener('abort', quit);
      clearInterval(stale);
      clearTimeout(this.#escape);
      clearImmediate(this.#drawing);
      this.#screen = undefined;
    }
  }

  input(bytes: Uint8Array): void {
    clearTimeout(this.#escape);
    const { keys, rest } = hear(this.#rest, this.#decoder.write(Buffer.from(bytes)));
    this.#rest = rest;
    for (const key of keys) this.#hit(key);
    if (rest !== '') this.#escape = setTimeout(() => this.#alone(), ESCAPE_MS);
  }

  redraw(): void {
    if (this.#screen === undefined) return;
    this.#frame = undefined;
    this.#become(withSize(this.#state, this.#screen.size()));
  }

  ended(): void {
    this.#done.resolve();
  }

  #alone(): void {
    const rest = this.#rest;
    this.#rest = '';
    for (const key of alone(rest)) this.#hit(key);
  }

  #hit(key: string): void {
    this.#take(step(this.#state, key));
  }

  #take({ state, effects }: Step): void {
    this.#become(state);
    for (const effect of effects) this.#effect(effect);
  }

  #effect(effect: Effect): void {
    switch (effect.kind) {
      case 'quit':
        this.#done.resolve();
        break;
      case 'suspend':
        this.#screen?.suspend();
        break;
      case 'redraw':
        this.redraw();
        break;
      case 'look':
        this.#look(effect.id);
        break;
      case 'order':
        perform(effect.order, this.#options.flags, this.#ctx).then(
          (outcome) => {
            this.#become(withOutcome(this.#state, outcome));
            if (this.#state.pane !== undefined) this.#look(this.#state.pane.id);
          },
          (error) => this.#done.reject(error),
        );
    }
  }

  /** One at a time: what comes meanwhile is looked up with the next table. */
  #look(id: string): void {
    if (this.#looking) return;
    this.#looking = true;
    this.#source
      .detail(id)
      .then((detail) => {
        this.#become(withDetail(this.#state, detail));
      })
      .catch((error) => this.#done.reject(error))
      .finally(() => {
        this.#looking = false;
        const { pane } = this.#state;
        if (pane !== undefined && pane.id !== id) this.#look(pane.id);
      });
  }

  #lookAtAge(): void {
    const age = performance.now() - this.#arrived;
    if (this.#arrived > 0 && this.#state.trouble === undefined && age > STALE_INTERVALS * this.#options.intervalMs)
      this.#become(withTrouble(this.#state, 'nothing new for a while'));
  }

  /** However much happens at once, it is drawn once. */
  #become(state: State): void {
    if (state === this.#state && this.#frame !== undefined) return;
    this.#state = state;
    this.#drawing ??= setImmediate(() => {
      this.#drawing = undefined;
      this.#draw();
    });
  }

  #draw(): void {
    if (this.#screen === undefined) return;
    const frame = draw({
      state: this.#state,
      machine: this.#source.machine,
      intervalMs: this.#options.intervalMs,
      memory: this.#memory,
      palette: paletteOf(this.#ctx.env),
    });
    const text = update(this.#frame, frame);
    this.#frame = frame;
    if (text !== '') this.#screen.write(text);
  }
}
