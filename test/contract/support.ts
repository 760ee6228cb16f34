/**
 * What a contract test tells the matrix of kernels (test/kernels) besides that it holds. Here and in the emulator the same
 * files run; CGCTL_KERNEL_MODE names the mode there.
 *
 * A test that reports nothing counts as one proved effect, or in rules.test.ts as one checked rule. A skip must have a reason
 * that begins with {@link ABSENT}: in the emulator any other one is a failure.
 */
import type { TestContext } from 'node:test';

export type FactKind = 'knob' | 'effect' | 'rule';

export interface Fact {
  readonly kind: FactKind;
  readonly name: string;
  /** Why this kernel, mounted like this, has no such thing. */
  readonly absent?: string;
}

export const ABSENT = 'absent by kernel: ';

/** The emulated mode (`v1`, `split`, …), or `host`. */
export const kernelMode = process.env.CGCTL_KERNEL_MODE ?? 'host';

/** This test, if it passes, covers the thing: one test may cover many. */
export function covers(t: TestContext, kind: FactKind, name: string): void {
  report(t, { kind, name });
}

/** This kernel has no such thing, and the test has seen that it is reported as absent. */
export function seenAbsent(t: TestContext, kind: FactKind, name: string, why: string): void {
  report(t, { kind, name, absent: why });
}

function report(t: TestContext, fact: Fact): void {
  t.diagnostic(`cgctl:${JSON.stringify(fact)}`);
}
