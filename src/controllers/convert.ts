/**
 * Named conversions between the two dialects' vocabularies. Each is a pair; none of the weight ones is invertible, so they keep
 * encode ∘ decode ∘ encode = encode and no more.
 */
import { CgError } from '../errors.ts';
import type { Need } from './controller.ts';

/**
 * cpu.shares (2..262144) to cpu.weight (1..10000) by the formula that runc, crun and containerd share: a curve through
 * 2→1, 1024→100 and 262144→10000.
 */
export function ociWeight(shares: number): string {
  if (shares <= 2) return '1';
  if (shares >= 262144) return '10000';
  const l = Math.log2(shares);
  return String(Math.ceil(10 ** ((l * l + 125 * l) / 612 - 7 / 34)));
}

/** The largest cpu.shares that {@link ociWeight} turns into this weight: 100 gives 1024 back. */
export function ociShares(text: string): number | undefined {
  const weight = Number(text);
  if (!(weight >= 1)) return undefined; // an idle group's weight reads 0
  const l = (-125 + Math.sqrt(125 * 125 + 4 * 612 * (Math.log10(weight) + 7 / 34))) / 2;
  const shares = Math.floor(2 ** l + 1e-6); // the curve meets whole numbers, floating point just misses them
  return Math.min(262144, Math.max(2, shares));
}

/** blkio weight (10..1000) to io.weight (1..10000), as the OCI runtimes do: linear through 10→1 and 1000→10000. */
export const linearIoWeight = (weight: number): string =>
  String(1 + Math.floor(((Math.max(weight, 10) - 10) * 9999) / 990));

/** The smallest blkio weight that {@link linearIoWeight} turns into this io.weight. */
export const blkioWeight = (text: string): number => Math.min(1000, 10 + Math.ceil(((Number(text) - 1) * 990) / 9999));

/** Docker's memory-plus-swap to v2's memory.swap.max, which counts swap alone. */
export function swapOutOfTotal(total: number, need: Need): string {
  const memory = need('memory.max');
  if (total === Number.POSITIVE_INFINITY) return 'max';
  if (typeof memory !== 'number' || !Number.isFinite(memory))
    throw new CgError('VALUE', '--memory-swap counts memory plus swap, so it needs a memory limit: give -m as well');
  if (total < memory)
    throw new CgError(
      'VALUE',
      `--memory-swap ${total} is below the memory limit ${memory}: it counts memory plus swap`,
    );
  return String(total - memory);
}

/** v2's memory.swap.max back to memory plus swap; without a memory limit there is no total. */
export function totalOutOfSwap(text: string, need: Need): number | undefined {
  const memory = need('memory.max');
  if (text === 'max') return Number.POSITIVE_INFINITY;
  return typeof memory === 'number' && Number.isFinite(memory) ? Number(text) + memory : undefined;
}

/** A tc handle, or a number in decimal or hexadecimal, to what net_cls.classid takes. */
export function classIdNumber(text: string): string {
  const [major = '', minor] = text.split(':');
  const id = minor === undefined ? Number(text) : Number.parseInt(major, 16) * 0x10000 + Number.parseInt(minor, 16);
  if (id > 0xffffffff)
    throw new CgError('VALUE', `--net-cls-classid ${text}: a class id has 32 bits, up to 4294967295`);
  return String(id);
}

/** net_cls.classid as tc writes handles: both halves in hexadecimal. */
export function tcHandle(text: string): string {
  const id = Number(text);
  return `${Math.floor(id / 0x10000).toString(16)}:${(id % 0x10000).toString(16)}`;
}
