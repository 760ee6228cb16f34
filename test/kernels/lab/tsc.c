/*
 * Prints the rate of the time stamp counter in kHz. An emulated processor shows ours as it is, and a kernel that measures the
 * rate itself while its machine waits for a CPU gets it wrong many times over: its clocks then run as wrong.
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <time.h>
#include <x86intrin.h>

struct instant { double ns, tsc; };

/** Of many pairs of readings the one with the least between. */
static struct instant now(void) {
  struct instant best = {0, 0};
  double least = 1e18;
  for (int i = 0; i < 1000; i++) {
    struct timespec time;
    double before = __rdtsc();
    clock_gettime(CLOCK_MONOTONIC_RAW, &time);
    double after = __rdtsc();
    if (after - before >= least) continue;
    least = after - before;
    best = (struct instant){time.tv_sec * 1e9 + time.tv_nsec, (before + after) / 2};
  }
  return best;
}

int main(void) {
  struct instant start = now();
  nanosleep(&(struct timespec){0, 100000000}, NULL);
  struct instant end = now();
  printf("%.0f\n", (end.tsc - start.tsc) / (end.ns - start.ns) * 1e6);
}
