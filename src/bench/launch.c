/* Makes a trial's circumstances, then becomes the trial: launch CORE PAIRS COMMAND ARGS…
   CORE pins the process, below 0 leaves it free. PAIRS makes so many socket pairs, their read ends together from
   descriptor 24 on, below FD_SETSIZE where they fit, their write ends above. */
#ifdef __linux__
#define _GNU_SOURCE
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#endif
#include <sys/resource.h>
#include <sys/socket.h>

#include "bench.h"

static void pin(int core) {
#ifdef __linux__
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(core, &set);
  if (sched_setaffinity(0, sizeof set, &set) != 0) fail("sched_setaffinity");
#else
  (void)core; /* macOS has no such call: the scheduler decides */
#endif
}

/* A Ctrl-C is for the benchmark, which ends its trials; and where it cannot any more, the kernel does. */
static void follow(void) {
  setsid();
#ifdef __linux__
  prctl(PR_SET_PDEATHSIG, SIGKILL);
#endif
}

static void move_to(int fd, int number) {
  if (dup2(fd, number) != number) fail("dup2");
  close(fd);
}

int main(int argc, char **argv) {
  if (argc < 4) return 2;
  int core = atoi(argv[1]), pairs = atoi(argv[2]);
  if (core >= 0) pin(core);
  follow();

  struct rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) fail("getrlimit");
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);

  /* The places are held first, so that no pair is born where another is to go. */
  for (int i = 0; i < pairs; i++) {
    if (dup2(2, FIRST_READ + i) < 0 || dup2(2, first_write(pairs) + i) < 0) fail("dup2");
  }
  for (int i = 0; i < pairs; i++) {
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0) fail("socketpair");
    move_to(ends[0], FIRST_READ + i);
    move_to(ends[1], first_write(pairs) + i);
  }

  execvp(argv[3], argv + 3);
  fail(argv[3]);
}
