/** Which processes and threads a group has in one hierarchy. */
import type { CgroupId, Hierarchy, Reader } from './types.ts';

/**
 * Process ids, each once, in the kernel's order; none when the group is gone. A threaded v2 group lists threads alone: see {@link threadsOf}.
 * Processes of another PID namespace, which the kernel lists as 0, are left out: signalling 0 reaches one's own group.
 */
export function pidsOf(reader: Reader, h: Hierarchy, id: CgroupId): number[] {
  return numbers(reader.tryRead(h, id, 'cgroup.procs'));
}

/** Thread ids, as {@link pidsOf}. */
export function threadsOf(reader: Reader, h: Hierarchy, id: CgroupId): number[] {
  return numbers(reader.tryRead(h, id, h.dialect === 'v1' ? 'tasks' : 'cgroup.threads'));
}

function numbers(text = ''): number[] {
  const ids = text.split('\n').map(Number);
  return [...new Set(ids)].filter((id) => id > 0);
}
