import { setFlagsFromString } from 'node:v8';

/**
 * V8 doubles its young generation, up to twice 16 MiB, while much of it survives, as when thousands of groups are seen for the first
 * time, and gives that back only when it collects everything at a quiet time. A service lives with what it has when this is called:
 * its looks leave little alive, so that more room would save next to nothing (docs/BENCHMARKS.md).
 */
export function keepYoungGeneration(): void {
  setFlagsFromString('--semi-space-growth-factor=1'); // V8 heeds it at each growth: Heap::… NewSpace::Grow
}
