/** The kernel's log (Documentation/ABI/testing/dev-kmsg), and what it says of processes that were killed for want of memory (mm/oom_kill.c). */

/** One record. */
export interface KmsgRecord {
  /** Counts the records since boot. */
  readonly seq: number;
  /** Seconds since boot, on the kernel's own clock. */
  readonly seconds: number;
  /** What was logged, without the lines that follow it. */
  readonly message: string;
}

/** `PRIORITY,SEQ,MICROSECONDS,FLAGS[,…];MESSAGE`, with control characters and backslashes as `\xNN`. Undefined when it is no record. */
export function parseKmsg(text: string): KmsgRecord | undefined {
  const match = /^\d{1,10},(\d{1,20}),(\d{1,20}),[^;\n]*;([^\n]*)/.exec(text);
  if (match === null) return undefined;
  const [, seq, micros, message = ''] = match;
  return { seq: Number(seq), seconds: Number(micros) / 1e6, message: unescapeHex(message) };
}

/** Names are bytes, whatever they spell. */
function unescapeHex(text: string): string {
  if (!text.includes('\\x')) return text;
  const bytes = Buffer.from(text);
  const out: number[] = [];
  for (let at = 0; at < bytes.length; at++) {
    const code = bytes[at] === 0x5c ? /^\\x([0-9a-f]{2})$/.exec(bytes.toString('latin1', at, at + 4)) : null;
    out.push(code === null ? (bytes[at] ?? 0) : Number.parseInt(code[1] ?? '', 16));
    if (code !== null) at += 3;
  }
  return Buffer.from(out).toString();
}

/** The texts by which records about killed processes are told from others. */
export const OOM_TEXTS = { constraint: 'oom-kill:constraint=', killed: 'Killed process ' } as const;

/** The record before a kill; the kernel leaves it out when there are many (10 in 5 s). */
export interface OomConstraint {
  readonly pid: number;
  /** The group whose limit was hit; undefined when the machine as a whole was out of memory. */
  readonly limited?: string;
  /** The group of the process that was chosen. */
  readonly group: string;
}

/** `oom-kill:constraint=…,oom_memcg=…,task_memcg=…,task=…,pid=…,uid=…`. Undefined for others, and where a group's name makes it ambiguous. */
export function parseOomConstraint(message: string): OomConstraint | undefined {
  if (!message.startsWith(OOM_TEXTS.constraint)) return undefined;
  const end = /,task=.{0,15},pid=(\d{1,10}),uid=\d{1,10}$/s.exec(message);
  if (end === null) return undefined;
  const [before = '', group, ...more] = message.slice(0, end.index).split(',task_memcg=');
  const [, limited, ...others] = before.split(',oom_memcg=');
  if (group === undefined || more.length > 0 || others.length > 0) return undefined;
  return { pid: Number(end[1]), group, ...(limited !== undefined && { limited }) };
}

/** A process that was killed. */
export interface OomVictim {
  readonly pid: number;
  /** The command's name, at most 15 bytes, of any characters. */
  readonly command: string;
  /** Anonymous memory that it held, in bytes. */
  readonly anonBytes: number;
}

/** `Memory cgroup out of memory: Killed process PID (COMMAND) total-vm:…kB, anon-rss:…kB, …` */
export function parseOomVictim(message: string): OomVictim | undefined {
  const match = /\bKilled process (\d{1,10}) \((.{0,15})\) total-vm:\d+kB, anon-rss:(\d{1,15})kB/s.exec(message);
  if (match === null) return undefined;
  const [, pid, command = '', anon] = match;
  return { pid: Number(pid), command, anonBytes: Number(anon) * 1024 };
}
