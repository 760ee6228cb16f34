/**
 * Every error that cgctl reports, in one table: the code is what programs match on, the exit status is what shells see.
 * docs/ERRORS.md is generated from this table.
 */
export const ERRORS = {
  USAGE: {
    exit: 2,
    title: 'The command line or request is wrong',
    advice: 'The message lists every mistake: correct them together.',
  },
  VALUE: {
    exit: 2,
    title: 'A value is malformed or out of the kernel’s range',
    advice: 'The message names the range and the unit.',
  },
  CONFIG: {
    exit: 2,
    title: 'The configuration file is wrong',
    advice: 'The message gives line and column; the old configuration stays in force.',
  },
  ID_INVALID: {
    exit: 2,
    title: 'A cgroup id is not acceptable',
    advice: 'Ids are absolute, clean paths: no "..", NUL, newline or control characters.',
  },
  PARSE: {
    exit: 1,
    title: 'A kernel file has a shape that cgctl does not know',
    advice: 'Report the file’s content with your kernel version.',
  },

  NOT_FOUND: { exit: 3, title: 'No such cgroup, process or device', advice: 'List what exists with "cgctl ls -r".' },
  AMBIGUOUS: {
    exit: 4,
    title: 'An id matches several cgroups',
    advice: 'Use one of the candidates that the message lists.',
  },
  EXISTS: {
    exit: 1,
    title: 'The cgroup exists already',
    advice: 'Choose another name, or "cgctl set" the one that is there.',
  },

  ABSENT: {
    exit: 6,
    title: 'This host’s kernel does not offer the knob',
    advice: '"cgctl info" shows what it offers and lacks.',
  },
  KERNEL: {
    exit: 6,
    title: 'The kernel refused; everything was put back',
    advice: 'Correct the value, or what the errno points at, and repeat.',
  },
  ROLLBACK: {
    exit: 8,
    title: 'The kernel refused and putting things back failed in part',
    advice: 'The message lists what could not be restored.',
  },
  VANISHED: {
    exit: 3,
    title: 'The cgroup was removed while cgctl worked on it',
    advice: 'Somebody else manages it; look at "cgctl events".',
  },
  BUSY: {
    exit: 6,
    title: 'The cgroup has processes or children',
    advice: 'Use "rm -r", or "rm -r --force" to kill what is inside.',
  },
  FREEZE: {
    exit: 6,
    title: 'Not every process froze; the cgroup was thawed again',
    advice: 'The message lists the processes, often in uninterruptible sleep.',
  },
  FROZEN: { exit: 6, title: 'A cgroup above is frozen', advice: 'Thaw the one that the message names.' },
  RUN: {
    exit: 125,
    title: 'The command could not be started in the cgroup',
    advice: 'The message says what the kernel refused and what to set first.',
  },

  CONSENT: { exit: 5, title: 'The change cannot be undone and needs consent', advice: 'Repeat it with --yes.' },
  REFUSED: {
    exit: 5,
    title: 'The change is unsafe as things are',
    advice: 'The message says why and with which numbers; --force overrides.',
  },
  LOCKED: {
    exit: 7,
    title: 'Another change holds the lock',
    advice: 'The message says which process; wait or raise --lock-timeout.',
  },
  PERMISSION: { exit: 9, title: 'Not permitted', advice: 'Run as root or inside a delegated subtree.' },
  UNSUPPORTED: { exit: 6, title: 'Not possible on this host', advice: 'The message says what is missing.' },
  NO_CGROUPS: {
    exit: 10,
    title: 'No cgroup hierarchy is mounted',
    advice: 'Mount one, or point --cgroup-root at the host’s.',
  },

  AUTH: {
    exit: 9,
    title: 'The request is not authorised',
    advice: 'Send "Authorization: Bearer <token>"; writing must be enabled in the service.',
  },
  UNREACHABLE: {
    exit: 11,
    title: 'The service cannot be reached',
    advice: 'Check --host and that "cgctl serve" runs.',
  },
  OVERLOAD: {
    exit: 11,
    title: 'The service is at one of its limits',
    advice: 'Try again later, or raise the limit that the message names.',
  },
  INTERNAL: { exit: 70, title: 'A mistake in cgctl', advice: 'Please report it with the command line and the output.' },
} as const satisfies Record<string, { exit: number; title: string; advice: string }>;

export type ErrorCode = keyof typeof ERRORS;

/** What went wrong, in a form that people and programs both can read. */
export class CgError extends Error {
  override readonly name = 'CgError';
  /** @param details facts for programs: file, value, errno, candidates … (JSON-safe) */
  constructor(
    readonly code: ErrorCode,
    message: string,
    readonly details: Readonly<Record<string, unknown>> = {},
    options?: { cause?: unknown },
  ) {
    super(message, options);
  }
  get exit(): number {
    return ERRORS[this.code].exit;
  }
  toJSON(): { code: ErrorCode; message: string; details: Readonly<Record<string, unknown>> } {
    return { code: this.code, message: this.message, details: this.details };
  }
}

/** The errno name of a failed system call (`ENOENT` …), or undefined for any other error. */
export function errnoOf(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined;
  // One number on Linux; libuv gives it POSIX's other name, the kernel's documents this one.
  if (error.code === 'ENOTSUP') return 'EOPNOTSUPP';
  return typeof error.code === 'string' ? error.code : undefined;
}
