/*
 * /init of the emulated machine. It loads the modules, takes the host's root (read-only, under a tmpfs), mounts the cgroup
 * hierarchies that the kernel's command line asks for, runs SHARE/command and leaves its exit status in SHARE/status.
 * The kernel hands the words of its command line that it does not know (V1=…, V2=…) to init as environment.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#define SHARE "/run/share"
#define CGROUPS "/sys/fs/cgroup"
#define NINE_P "trans=virtio,version=9p2000.L,msize=512000,cache="

static void power_off(void) {
  sync();
  reboot(RB_POWER_OFF);
  for (;;) pause();
}

/** Said on the console; without a status the host takes it for a crash. */
static void die(const char *what) {
  printf("init: %s: %s\n", what, strerror(errno));
  power_off();
}

static int try_mount(const char *type, const char *source, const char *target, unsigned long flags, const char *options) {
  mkdir(target, 0755);
  return mount(source, target, type, flags, options);
}

static void must_mount(const char *type, const char *source, const char *target, unsigned long flags, const char *options) {
  if (try_mount(type, source, target, flags, options)) die(target);
}

static void use_as_stdio(const char *device, int first) {
  int fd = open(device, O_RDWR | O_NOCTTY);
  if (fd < 0) die(device);
  struct termios raw;
  if (!tcgetattr(fd, &raw)) cfmakeraw(&raw), tcsetattr(fd, TCSANOW, &raw);
  for (int i = first; i <= 2; i++) dup2(fd, i);
  if (fd > 2) close(fd);
}

/** In the order of the list; what hardware or configuration rules out is only said. */
static void load_modules(void) {
  FILE *list = fopen("/modules/order", "r");
  char name[256], path[300];
  while (list && fscanf(list, "%255s", name) == 1) {
    snprintf(path, sizeof path, "/modules/%s", name);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || syscall(SYS_finit_module, fd, "", 0)) printf("init: %s: %s\n", name, strerror(errno));
    close(fd);
  }
  if (list) fclose(list);
}

static void enter_root(void) {
  must_mount("9p", "root", "/lower", MS_RDONLY, NINE_P "loose");
  must_mount("tmpfs", "tmpfs", "/upper", 0, NULL);
  mkdir("/upper/files", 0755), mkdir("/upper/work", 0755);
  must_mount("overlay", "root", "/root", 0, "lowerdir=/lower,upperdir=/upper/files,workdir=/upper/work");
  if (mount("/dev", "/root/dev", NULL, MS_MOVE, NULL) || mount("/proc", "/root/proc", NULL, MS_MOVE, NULL)) die("move");
  if (chdir("/root") || chroot(".")) die("chroot");
}

static void mount_usual(void) {
  must_mount("sysfs", "sysfs", "/sys", 0, NULL);
  must_mount("tmpfs", "tmpfs", "/run", 0, NULL);
  must_mount("tmpfs", "tmpfs", "/dev/shm", 0, NULL);
  must_mount("devpts", "devpts", "/dev/pts", 0, NULL);
  must_mount("9p", "share", SHARE, 0, NINE_P "none");
  if (symlink("/proc/self/fd", "/dev/fd")) die("/dev/fd");
}

/** One v1 hierarchy: `memory`, `cpu,cpuacct` with a link for each, or `name=systemd`. */
static void mount_v1(char *options) {
  char path[256], full[256];
  int named = !strncmp(options, "name=", 5);
  snprintf(full, sizeof full, "%s%s", named ? "none," : "", options);
  snprintf(path, sizeof path, CGROUPS "/%s", named ? options + 5 : options);
  if (try_mount("cgroup", "cgroup", path, 0, full)) {
    printf("init: no v1 hierarchy %s: %s\n", options, strerror(errno));
    rmdir(path);
    return;
  }
  if (!strchr(options, ',')) return;
  char *rest = strdup(options), *save;
  for (char *one = strtok_r(rest, ",", &save); one; one = strtok_r(NULL, ",", &save)) {
    snprintf(path, sizeof path, CGROUPS "/%s", one);
    if (symlink(options, path)) die(path);
  }
  free(rest);
}

static void mount_cgroups(void) {
  char *v1 = getenv("V1"), *v2 = getenv("V2"), *save;
  if (v1) must_mount("tmpfs", "tmpfs", CGROUPS, 0, "mode=755");
  for (char *one = v1 ? strtok_r(v1, ";", &save) : NULL; one; one = strtok_r(NULL, ";", &save)) mount_v1(one);
  if (v2) must_mount("cgroup2", "cgroup2", v2, 0, NULL);
}

static void loopback_up(void) {
  int fd = socket(AF_INET, SOCK_DGRAM, 0);
  struct ifreq request = {.ifr_name = "lo", .ifr_flags = IFF_UP};
  if (fd < 0 || ioctl(fd, SIOCSIFFLAGS, &request)) printf("init: lo: %s\n", strerror(errno));
  close(fd);
}

static int run_command(void) {
  pid_t child = fork();
  if (child < 0) die("fork");
  if (!child) {
    char *const environment[] = {"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root", NULL};
    int nothing = open("/dev/null", O_RDONLY);
    dup2(nothing, 0), close(nothing);
    setsid();
    use_as_stdio("/dev/hvc0", 1);
    execle("/bin/sh", "sh", SHARE "/command", NULL, environment);
    _exit(127);
  }
  int status;
  // Orphans come to us as well.
  for (pid_t pid; (pid = waitpid(-1, &status, 0)) != child;)
    if (pid < 0 && errno != EINTR) die("wait");
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static void leave_status(int status) {
  int output = open("/dev/hvc0", O_WRONLY | O_NOCTTY);
  if (output >= 0) tcdrain(output);
  int fd = open(SHARE "/status", O_WRONLY | O_CREAT | O_EXCL, 0644);
  if (fd < 0 || dprintf(fd, "%d\n", status) < 0 || close(fd)) die(SHARE "/status");
}

int main(void) {
  must_mount("devtmpfs", "devtmpfs", "/dev", 0, NULL);
  must_mount("proc", "proc", "/proc", 0, NULL);
  use_as_stdio("/dev/console", 0);
  setvbuf(stdout, NULL, _IONBF, 0);
  load_modules();
  enter_root();
  mount_usual();
  mount_cgroups();
  loopback_up();
  leave_status(run_command());
  power_off();
}
