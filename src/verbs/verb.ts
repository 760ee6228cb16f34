/** A verb is a function of (arguments, streams, context) to an exit status; it touches no process globals, so that tests and the service call it too. */
import type { Registry } from '../controllers/registry.ts';
import type { Host } from '../hierarchy/types.ts';

export interface Output {
  write(text: string): void;
  /** A terminal: colours, progress and questions are allowed. */
  readonly isTTY: boolean;
  readonly columns: number;
}

export interface Streams {
  readonly out: Output;
  readonly err: Output;
  /** Asks a yes/no question on the terminal; false where there is none. */
  confirm(question: string): Promise<boolean>;
  /** Takes the whole terminal; undefined where there is none. Absent where verbs are called within something else. */
  takeScreen?(owner: ScreenOwner): Promise<Screen | undefined>;
}

/** Who has the whole terminal. */
export interface ScreenOwner {
  /** What is written when it is taken, and when it is given back, however this process ends. */
  readonly enter: string;
  readonly leave: string;
  /** What is typed, as it comes and unseen: Ctrl-C too is only a byte. */
  input(bytes: Uint8Array): void;
  /** The terminal has another size, or somebody else had it meanwhile: all is to be drawn anew. */
  redraw(): void;
  /** Nothing more will be typed. */
  ended(): void;
}

/** The whole terminal, until it is given back. */
export interface Screen {
  size(): { readonly columns: number; readonly rows: number };
  write(text: string): void;
  /** Gives the terminal to the shell, until that brings this process to the foreground again. */
  suspend(): void;
  giveBack(): void;
}

/** What a process of one's own has to lend: its terminal and its signals. */
export interface Foreground {
  /** Until they are given back these signals go to the listener, and do not abort. @returns what gives them back */
  takeSignals(names: readonly NodeJS.Signals[], listener: (name: NodeJS.Signals) => void): () => void;
}

export interface Context {
  /** Opened when first asked for, so that `--help` needs no cgroups. */
  host(): Host;
  /** What can be declared, asked for and set: the default one, except where a test gives another. */
  readonly registry: Registry;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Ctrl-C, or the client went away. */
  readonly signal: AbortSignal;
  /** For the lock's holder line and the log: who asks. */
  readonly who: string;
  /** Absent where verbs are called within something else, as in the service. */
  readonly foreground?: Foreground | undefined;
}

export type OptionValue = string | boolean | readonly string[];

export interface OptionSpec {
  /** As commander takes it: `-m, --memory <size>`. */
  readonly flags: string;
  readonly help: string;
  /** May be given several times; the value is then a list. */
  readonly repeat?: boolean;
  /** The heading under which the help lists it. */
  readonly group?: string;
  /** Not listed in the help. */
  readonly hidden?: boolean;
}

/** What the user gave, not yet interpreted. */
export interface Arguments {
  readonly positional: readonly string[];
  /** By long name without dashes: `cpu-shares`. */
  readonly options: Readonly<Record<string, OptionValue>>;
  /** What followed `--`. */
  readonly rest: readonly string[];
}

export interface Verb {
  readonly name: string;
  readonly aliases?: readonly string[];
  readonly summary: string;
  /** What the help says beyond the summary. */
  readonly about?: string;
  /** `<id...>`, `<id> [pid...]`; `-- <command...>` when rest is wanted. */
  readonly usage: string;
  readonly examples: readonly string[];
  /** In the order of the help. The many knob flags are made as far as somebody looks for one. */
  options(registry: Registry): Iterable<OptionSpec>;
  /** What is wrong with the values. Asked only where the words are wrong already, so that one error names all mistakes; `run` checks by itself. */
  check?(args: Arguments, ctx: Context): readonly string[];
  run(args: Arguments, io: Streams, ctx: Context): Promise<number>;
}
