/* What the C programs of the benchmark share. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

/* launch.c has made the pairs that a trial waits on: their read ends are the descriptors from here on. */
enum { FIRST_READ = 24, LOWEST_WRITE = 1024 };

static inline int first_write(int n) {
  return FIRST_READ + n > LOWEST_WRITE ? FIRST_READ + n : LOWEST_WRITE;
}

/* Seconds before the measured ones of a call or a wait: the same for all, and long enough for a compiler at run time. */
static const double WARM_UP = 0.1;

static inline void fail(const char *what) {
  perror(what);
  exit(1);
}

/* seconds */
static inline double now(void) {
  struct timespec ts;
  clock_gettime(CLOCK_MONOTONIC, &ts);
  return ts.tv_sec + ts.tv_nsec / 1e9;
}

static void *sit(void *unused) {
  for (;;) pause();
  return unused;
}

/* With one thread the kernel takes no reference on each file, and select(2) costs half; a Node process never has
   one, so that its baseline must not either. */
static inline void second_thread(void) {
  pthread_t thread;
  if (pthread_create(&thread, NULL, sit, NULL) != 0) fail("pthread_create");
}
