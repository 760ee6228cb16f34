/** What an errno means for the operations that belong to no knob: directories, enabling, moving. */

const NOT_YOURS =
  'it is not yours to change; root hands a subtree over with "systemd-run --uid=USER --scope -p Delegate=yes COMMAND", or by chown of a directory and of its cgroup.procs, cgroup.subtree_control and cgroup.threads (cgroup v2), and cgctl is then started inside it';

const GENERAL: Readonly<Record<string, string>> = {
  EACCES: NOT_YOURS,
  EPERM: 'not permitted: root, or a delegated subtree, is needed',
  ENOENT: 'the group was removed meanwhile',
  ENODEV: 'the group was removed meanwhile',
  EROFS: 'the hierarchy is mounted read-only',
  ENOSPC: 'the kernel has no room: cgroup ids or memory have run out',
  ENOMEM: 'the kernel is out of memory',
};

const BY_KIND: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  mkdir: {
    EEXIST: 'it exists already',
    EAGAIN: 'an ancestor’s cgroup.max.depth or cgroup.max.descendants is reached',
    EINVAL: 'the kernel takes no newline in a name',
    ENAMETOOLONG: 'a name has at most 255 bytes',
    ENOENT: 'the parent was removed meanwhile',
  },
  rmdir: { EBUSY: 'it has processes or children' },
  enable: {
    EBUSY: 'the group holds processes itself (move them to a child first), or a child still uses what is taken away',
    ENOENT: 'the parent does not offer this controller',
    EINVAL: 'the kernel knows no controller of this name',
    EOPNOTSUPP: 'the group is threaded, and this controller works on whole processes',
  },
  attach: {
    EBUSY: 'a v2 group that enables controllers for its children holds no processes itself',
    EOPNOTSUPP: 'the group is in an invalid state: a threaded group takes threads (cgroup.threads)',
    ESRCH: 'the process is gone',
    ENOSPC: 'the group’s cpuset has no CPUs or no memory nodes yet',
    EINVAL: 'the task cannot be moved: a kernel thread, or a real-time task where the group has no real-time budget',
    EACCES: `the group that holds both is not yours to write, so the task has to be inside your subtree already: ${NOT_YOURS}`,
  },
};

/** In words, or the bare errno's name where there is nothing to add. `own` are the words of the file's declaration. */
export function meaning(kind: string, errno: string, own: Readonly<Record<string, string>> = {}): string {
  return own[errno] ?? BY_KIND[kind]?.[errno] ?? GENERAL[errno] ?? 'the kernel’s document of this file says no more';
}
