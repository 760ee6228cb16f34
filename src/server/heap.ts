import { setFlagsFromString } from 'node:v8';

/**
 * V8 doubles its young generation, up to twice 16 MiB, while much in it survives, as when thousands of groups are seen for the first
 * time, and gives that back only where it collects everything while little is made. From this call on it grows no more, which
 * costs no CPU that can be seen (docs/BENCHMARKS.md).
 */
export function keepYoungGeneration(): void {
  // Read at each growth (Node 20, 22 and 24); --max-semi-space-size counts at the start only.
  setFlagsFromString('--semi-space-growth-factor=1');
}
