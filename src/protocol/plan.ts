/** A change as data: what will be written, in which order, why, and how it is undone. */

export interface PlanStep {
  readonly kind: 'mkdir' | 'rmdir' | 'enable' | 'write' | 'action' | 'attach';
  readonly cgroup: string;
  /** Hierarchy key. */
  readonly hierarchy: string;
  readonly file?: string;
  /** Absolute path, for people. */
  readonly path: string;
  readonly text?: string;
  /** What the file (or the key's line) held. */
  readonly was?: string;
  /** What is written, in this order, to go back; absent where nothing can be. Raw text: a 64-bit limit does not survive a JavaScript number. */
  readonly undo?: readonly { readonly file: string; readonly text: string }[];
  readonly knob?: string;
  readonly why: string;
  /** Cannot be undone or read back: goes last and needs consent. */
  readonly irreversible?: boolean;
  /** The kernel checks this write together with the next one: on EINVAL the two are tried the other way round. */
  readonly pairedWithNext?: boolean;
}

export interface Note {
  readonly level: 'info' | 'warning' | 'refusal';
  readonly cgroup?: string;
  readonly text: string;
}

export interface Plan {
  readonly steps: readonly PlanStep[];
  readonly notes: readonly Note[];
  /** What will be remembered as asked for, by cgroup and knob. */
  readonly asked: Readonly<Record<string, Readonly<Record<string, string>>>>;
}

export interface StepOutcome extends PlanStep {
  /** What the kernel has after the write, where it can be read. */
  readonly got?: string;
  /** The kernel has something else than was written (rounded, clamped). */
  readonly adjusted?: string;
}

export interface Outcome {
  readonly steps: readonly StepOutcome[];
  readonly notes: readonly Note[];
  readonly dryRun: boolean;
}
