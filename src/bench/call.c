/* The call's baseline: select(2) in C, in a process with two threads, as every Node process has more than one:
   with a single thread the kernel takes no reference on each file, and the call costs half.
   Usage: call N PLACE SECONDS, PLACE of the ready descriptor 0 to N-1; prints the nanoseconds of one call. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static void *sit(void *unused) {
  pause();
  return unused;
}

static double now(void) {
  struct timespec ts;
  clock_gettime(CLOCK_MONOTONIC, &ts);
  return ts.tv_sec + ts.tv_nsec / 1e9;
}

int main(int argc, char **argv) {
  int n = argc > 1 ? atoi(argv[1]) : 4;
  int place = argc > 2 ? atoi(argv[2]) : n - 1;
  double seconds = argc > 3 ? atof(argv[3]) : 0.2;
  pthread_t thread;
  if (pthread_create(&thread, NULL, sit, NULL) != 0) return 1;

  fd_set master, readfds;
  FD_ZERO(&master);
  int ready = -1, nfds = 0;
  for (int i = 0; i < n; i += 2) {
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) != 0) return 1;
    FD_SET(pair[0], &master);
    FD_SET(pair[1], &master);
    nfds = pair[1] + 1;
    if (place / 2 == i / 2) {
      ready = pair[place % 2];
      if (write(pair[1 - place % 2], "x", 1) != 1) return 1;
    }
  }

  long calls = 0;
  double begin = now(), end = begin;
  for (; end - begin < seconds; end = now()) {
    for (int i = 0; i < 100; i++, calls++) {
      readfds = master;
      if (select(nfds, &readfds, NULL, NULL, NULL) != 1 || !FD_ISSET(ready, &readfds)) return 1;
    }
  }
  printf("%.1f\n", (end - begin) / calls * 1e9);
  return 0;
}
