/* What a process has used: CPU time, memory. */
struct cpu {
  double user, sys; /* seconds */
};

#ifdef __linux__
/* Of another process. Its clock is exact; how much of that is user time only ticks of 10 ms tell. */
struct clocks {
  double total;
  unsigned long user, sys; /* ticks */
};

static inline struct clocks clocks_of(int pid) {
  struct clocks clocks = {0, 0, 0};
  clockid_t clock;
  struct timespec ts;
  if (clock_getcpuclockid(pid, &clock) != 0 || clock_gettime(clock, &ts) != 0) fail("the server's clock");
  clocks.total = ts.tv_sec + ts.tv_nsec / 1e9;
  char path[64];
  snprintf(path, sizeof path, "/proc/%d/stat", pid);
  FILE *file = fopen(path, "r");
  if (file == NULL) fail(path);
  /* The fields before are no numbers, or not wanted (man 5 proc_pid_stat). */
  if (fscanf(file, "%*d (%*[^)]) %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &clocks.user, &clocks.sys) != 2)
    fail(path);
  fclose(file);
  return clocks;
}

static inline struct cpu cpu_between(struct clocks a, struct clocks b) {
  double user = b.user - a.user, sys = b.sys - a.sys, total = b.total - a.total;
  double part = user + sys > 0 ? user / (user + sys) : 0;
  return (struct cpu){total * part, total * (1 - part)};
}

static inline double resident(int pid) {
  char path[64];
  snprintf(path, sizeof path, "/proc/%d/statm", pid);
  FILE *file = fopen(path, "r");
  long pages = 0;
  if (file == NULL || fscanf(file, "%*d %ld", &pages) != 1) fail(path);
  fclose(file);
  return (double)pages * sysconf(_SC_PAGESIZE);
}
#else
/* Only Linux tells of another process without being asked in C++: zeros. */
struct clocks {
  double total;
};

static inline struct clocks clocks_of(int pid) {
  (void)pid;
  return (struct clocks){0};
}

static inline struct cpu cpu_between(struct clocks a, struct clocks b) {
  (void)a, (void)b;
  return (struct cpu){0, 0};
}

static inline double resident(int pid) {
  (void)pid;
  return 0;
}
#endif

static inline double own_cpu(void) {
  struct timespec ts;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
  return ts.tv_sec + ts.tv_nsec / 1e9;
}
