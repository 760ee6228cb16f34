/** A step that the kernel refused, as an error. */
import { CgError, type ErrorCode } from '../errors.ts';
import type { CgroupId, Host, Refusal, Writer } from '../hierarchy/types.ts';
import { printable } from '../parse/printable.ts';
import { meaning } from './meaning.ts';

const CODES: Readonly<Record<string, ErrorCode>> = {
  ENOENT: 'VANISHED',
  ENODEV: 'VANISHED',
  EACCES: 'PERMISSION',
  EPERM: 'PERMISSION',
  EROFS: 'PERMISSION',
};

export interface Attempt {
  readonly id: CgroupId;
  /** As in a plan's step; tells what the errno means. */
  readonly kind: 'rmdir' | 'write' | 'action' | 'attach';
  /** What was tried, as `writing "1"`. */
  readonly what: string;
  /** The declaration's own words for errnos. */
  readonly words?: Readonly<Record<string, string>> | undefined;
  /** What happened to what was done before. */
  readonly after?: string;
}

/** For reading by people: the file, what was tried, the errno and what it means there. */
export function refusal({ errno, path }: Refusal, { id, kind, what, words, after }: Attempt): CgError {
  const text = `${printable(path)}: ${what}: ${errno}: ${meaning(kind, errno, words)}${after ? `; ${after}` : ''}`;
  return new CgError(CODES[errno] ?? 'KERNEL', text, { id, path, errno });
}

/** @throws CgError PERMISSION when the host was opened for reading only */
export function writerOf({ writer }: Host): Writer {
  if (writer) return writer;
  throw new CgError('PERMISSION', 'cgctl was started for reading only');
}
