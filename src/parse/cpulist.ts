import { CgError } from '../errors.ts';
import { excerpt } from './printable.ts';
import { withoutNewline } from './scan.ts';

/** Numbers end below this, and a list may name no more of them, repetitions counted. Kernels have at most 8,192 CPUs and 1,024 nodes. */
const MAX_ENTRIES = 65536;

/**
 * CPU or NUMA node numbers from the kernel's list format (Documentation/admin-guide/cgroup-v1/cpusets.rst, "List format"):
 * `0-3`, `0,2-3`, and `0-1023:2/256` (the first 2 of every 256). Empty text is an empty list.
 * @param code VALUE for human input, PARSE for a kernel file
 * @returns sorted, each number once
 * @throws CgError with that code
 */
export function parseCpuList(text: string, code: 'VALUE' | 'PARSE' = 'VALUE'): number[] {
  const fail = (reason: string) =>
    new CgError(code, `${excerpt(text)} is not a list of CPU or node numbers such as 0-3,8: ${reason}`);
  const body = withoutNewline(text);
  const numbers = new Set<number>();
  let named = 0;
  for (const region of body === '' ? [] : body.split(',')) {
    const match = /^(\d+)(?:-(\d+)(?::(\d+)\/(\d+))?)?$/.exec(region);
    if (match === null) throw fail(`${excerpt(region)} is neither a number nor a range`);
    const [, first = 0, last = first, used = 1, group = 1] = match.map((part) =>
      part === undefined ? part : Number(part),
    );
    if (first > last) throw fail(`${excerpt(region)} runs backwards`);
    if (used > group || group === 0) throw fail(`${excerpt(region)} takes more of each group than there is`);
    named += last - first + 1;
    if (last >= MAX_ENTRIES || named > MAX_ENTRIES)
      throw fail(`numbers end below ${MAX_ENTRIES}, and a list has at most so many`);
    for (let number = first; number <= last; number++) if ((number - first) % group < used) numbers.add(number);
  }
  return sorted(numbers);
}

/** Numbers in the kernel's list format, ranges joined: `0-3,8`. An empty list is an empty text. */
export function formatCpuList(numbers: Iterable<number>): string {
  const regions: string[] = [];
  let first: number | undefined;
  let last = 0;
  const close = () => {
    if (first !== undefined) regions.push(first === last ? `${first}` : `${first}-${last}`);
  };
  for (const number of union(numbers, [])) {
    if (first === undefined || number !== last + 1) {
      close();
      first = number;
    }
    last = number;
  }
  close();
  return regions.join(',');
}

/** Whether every number of `a` is in `b`. */
export function isSubset(a: Iterable<number>, b: Iterable<number>): boolean {
  const all = new Set(b);
  return [...a].every((number) => all.has(number));
}

/** The numbers of both, sorted, each once. */
export function union(a: Iterable<number>, b: Iterable<number>): number[] {
  return sorted(new Set([...a, ...b]));
}

function sorted(numbers: Set<number>): number[] {
  return [...numbers].sort((a, b) => a - b);
}
