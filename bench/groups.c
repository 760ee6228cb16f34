/* groups NAME N BUSY_EVERY: makes N groups NAME/g00000 … in every cgroup hierarchy mounted below /sys/fs/cgroup, with a
 * sleeping process each; with BUSY_EVERY > 0 each such-many-th one wakes ten times a second and works a little. Prints READY
 * when they are there. They are removed when its standard input ends, at a signal, and when it is killed: a second process,
 * which no signal but SIGKILL ends, does the work and the cleaning up. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <mntent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { HIERARCHIES = 32, MOUNT = 128, PATH = 512 };
static char hierarchy[HIERARCHIES][MOUNT];
static int hierarchies;

static void on_signal(int number) { (void)number; }

static int put(const char *path, const char *text) {
  int fd = open(path, O_WRONLY | O_CLOEXEC);
  if (fd < 0) return -1;
  int failed = write(fd, text, strlen(text)) < 0;
  close(fd);
  return -failed;
}

static void find_hierarchies(void) {
  FILE *mounts = setmntent("/proc/self/mounts", "r");
  for (struct mntent *m; mounts && (m = getmntent(mounts)) && hierarchies < HIERARCHIES;) {
    if (strncmp(m->mnt_type, "cgroup", 6) || strncmp(m->mnt_dir, "/sys/fs/cgroup", 14)) continue;
    snprintf(hierarchy[hierarchies++], sizeof hierarchy[0], "%s", m->mnt_dir);
  }
  if (mounts) endmntent(mounts);
}

/* A v1 cpuset begins empty and takes no process then. */
static void fill_cpuset(const char *parent, const char *group) {
  static const char *const files[] = {"cpuset.cpus", "cpuset.mems"};
  char path[PATH], text[256];
  for (int i = 0; i < 2; i++) {
    snprintf(path, sizeof path, "%s/%s", parent, files[i]);
    int fd = open(path, O_RDONLY | O_CLOEXEC), length = fd < 0 ? -1 : (int)read(fd, text, sizeof text - 1);
    if (fd >= 0) close(fd);
    if (length <= 0) return;
    text[length] = 0;
    snprintf(path, sizeof path, "%s/%s", group, files[i]), put(path, text);
  }
}

static pid_t start(int busy) {
  pid_t child = fork();
  if (child) return child;
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  for (int i = 0; i < 3; i++) close(i);
  volatile unsigned work = 0;
  for (;;) {
    if (!busy) pause();
    usleep(100 * 1000);
    for (int i = 0; i < 20000; i++) work += i;
  }
}

static int make(const char *name, int n, int busy_every, pid_t *pid) {
  char path[PATH], text[32];
  int failures = 0;
  for (int h = 0; h < hierarchies; h++) {
    snprintf(path, sizeof path, "%s/%s", hierarchy[h], name);
    if (mkdir(path, 0755)) failures++;
    fill_cpuset(hierarchy[h], path);
    strcat(path, "/cgroup.clone_children");
    put(path, "1");
  }
  for (int i = 0; i < n; i++) {
    pid[i] = start(busy_every > 0 && i % busy_every == 0);
    snprintf(text, sizeof text, "%d", pid[i]);
    for (int h = 0; h < hierarchies; h++) {
      snprintf(path, sizeof path, "%s/%s/g%05d", hierarchy[h], name, i);
      if (mkdir(path, 0755)) failures++;
      strcat(path, "/cgroup.procs");
      if (put(path, text)) failures++;
    }
  }
  return failures;
}

static int clear(const char *name, int n, const pid_t *pid) {
  char path[PATH];
  int left = 0;
  for (int i = 0; i < n; i++) if (pid[i] > 0) kill(pid[i], SIGKILL);
  for (int i = 0; i < n; i++) if (pid[i] > 0) waitpid(pid[i], 0, 0);
  for (int h = 0; h < hierarchies; h++) {
    for (int i = 0; i <= n; i++) {
      if (i < n) snprintf(path, sizeof path, "%s/%s/g%05d", hierarchy[h], name, i);
      else snprintf(path, sizeof path, "%s/%s", hierarchy[h], name);
      int failed = -1;
      for (int tries = 0; tries < 100 && (failed = rmdir(path)) && errno == EBUSY; tries++) usleep(2000);
      left += failed && errno != ENOENT;
    }
  }
  return left;
}

int main(int argc, char **argv) {
  if (argc != 4) return fprintf(stderr, "groups NAME N BUSY_EVERY\n"), 2;
  int n = atoi(argv[2]), life[2];
  if (pipe2(life, O_CLOEXEC)) return perror("pipe2"), 1;
  struct sigaction action = {.sa_handler = on_signal};
  static const int signals[] = {SIGTERM, SIGINT, SIGHUP};
  for (int i = 0; i < 3; i++) sigaction(signals[i], &action, 0);
  pid_t keeper = fork();
  char byte;
  if (keeper) {
    close(life[0]);
    /* An end of input or a signal. */
    while (read(0, &byte, 1) > 0) continue;
    close(life[1]);
    int status = 1;
    while (waitpid(keeper, &status, 0) < 0 && errno == EINTR) continue;
    return status != 0;
  }
  setsid();
  close(life[1]);
  find_hierarchies();
  pid_t *pid = calloc(n + 1, sizeof *pid);
  int failures = make(argv[1], n, atoi(argv[3]), pid);
  printf("READY %d groups in %d hierarchies, %d failures\n", n, hierarchies, failures), fflush(stdout);
  while (read(life[0], &byte, 1) < 0 && errno == EINTR) continue;
  return clear(argv[1], n, pid) != 0;
}
