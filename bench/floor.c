/* floor NAME N BUDGET: the bare cost of reading 25 v1 files of each of the groups that `groups NAME N` made, without looking
 * at what they say. One process, one thread. At most BUDGET descriptors stay open: the first files of the table, of every
 * group; the rest are opened by path each time. For each line of standard input it reads all once, and answers with the CPU
 * microseconds that a group took, the number of files that could not be read, and the files of a group that stay open. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

static const char *const files[] = {
  "cpuacct/%s/cpuacct.usage", "memory/%s/memory.usage_in_bytes", "pids/%s/pids.current", "cpu/%s/cpu.stat", "memory/%s/memory.stat",
  "cpuacct/%s/cpuacct.stat", "blkio/%s/blkio.throttle.io_service_bytes_recursive", "blkio/%s/blkio.throttle.io_serviced_recursive",
  "memory/%s/memory.memsw.usage_in_bytes", "memory/%s/memory.oom_control", "memory/%s/memory.failcnt", "cpuacct/%s/cpuacct.usage_percpu",
  "memory/%s/memory.max_usage_in_bytes", "memory/%s/memory.numa_stat", "devices/%s/cgroup.procs", "freezer/%s/freezer.state",
  "blkio/%s/blkio.throttle.io_service_bytes", "blkio/%s/blkio.throttle.io_serviced", "cpu/%s/cpu.shares", "memory/%s/memory.limit_in_bytes",
  "memory/%s/memory.soft_limit_in_bytes", "memory/%s/memory.memsw.limit_in_bytes", "pids/%s/pids.max", "cpuset/%s/cpuset.cpus", "cpuset/%s/cpuset.mems"};
enum { FILES = sizeof files / sizeof *files, PATH = 200 };
static char text[65536];

static double cpu_us(void) {
  struct timespec t;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return t.tv_sec * 1e6 + t.tv_nsec / 1e3;
}

int main(int argc, char **argv) {
  if (argc != 4) return fprintf(stderr, "floor NAME N BUDGET\n"), 2;
  int n = atoi(argv[2]), kept = atoi(argv[3]) / n;
  if (kept > FILES) kept = FILES;
  struct rlimit limit;
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  int *open_files = malloc(sizeof(int) * n * FILES);
  char(*paths)[PATH] = malloc((size_t)n * FILES * PATH);
  for (int i = 0; i < n; i++) {
    char group[64], format[PATH];
    snprintf(group, sizeof group, "%s/g%05d", argv[1], i);
    for (int f = 0; f < FILES; f++) {
      int at = i * FILES + f;
      snprintf(format, sizeof format, "/sys/fs/cgroup/%s", files[f]);
      snprintf(paths[at], PATH, format, group);
      open_files[at] = f < kept ? open(paths[at], O_RDONLY | O_CLOEXEC) : -1;
    }
  }
  while (fgets(text, sizeof text, stdin)) {
    int errors = 0;
    double start = cpu_us();
    for (int at = 0; at < n * FILES; at++) {
      int fd = open_files[at];
      if (fd >= 0) {
        if (pread(fd, text, sizeof text, 0) < 0) errors++;
        continue;
      }
      fd = open(paths[at], O_RDONLY | O_CLOEXEC);
      if (fd < 0 || read(fd, text, sizeof text) < 0) errors++;
      if (fd >= 0) close(fd);
    }
    printf("%.2f %d %d\n", (cpu_us() - start) / n, errors, kept), fflush(stdout);
  }
}
