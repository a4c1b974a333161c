/* One call of select(2), poll(2) or epoll_wait(2): call select|poll|epoll N SECONDS THREADS
   Prints the nanoseconds of a call with the ready descriptor first, last and at random places, as JSON. */
#include <poll.h>
#include <string.h>
#include <sys/select.h>
#ifdef __linux__
#include <sys/epoll.h>
#endif

#include "../bench.h"

enum { PLACES = 16, BATCH = 50 };

static const char *name;
static int n;
static fd_set master;
static struct pollfd pollfds[16384];
static int epfd = -1;

static void prepare(void) {
  FD_ZERO(&master);
  for (int i = 0; i < n; i++) {
    if (FIRST_READ + i < FD_SETSIZE) FD_SET(FIRST_READ + i, &master);
    pollfds[i] = (struct pollfd){.fd = FIRST_READ + i, .events = POLLIN};
  }
#ifdef __linux__
  epfd = epoll_create1(0);
  for (int i = 0; i < n; i++) {
    struct epoll_event event = {.events = EPOLLIN, .data.fd = FIRST_READ + i};
    if (epoll_ctl(epfd, EPOLL_CTL_ADD, FIRST_READ + i, &event) != 0) fail("epoll_ctl");
  }
#endif
}

static int call_once(int place) {
  if (name[0] == 's') {
    fd_set readfds = master;
    return select(FIRST_READ + n, &readfds, NULL, NULL, NULL) == 1 && FD_ISSET(FIRST_READ + place, &readfds);
  }
  if (name[0] == 'p') return poll(pollfds, n, -1) == 1 && (pollfds[place].revents & POLLIN);
#ifdef __linux__
  struct epoll_event events[64];
  return epoll_wait(epfd, events, 64, -1) == 1 && events[0].data.fd == FIRST_READ + place;
#endif
  return 0;
}

/* ns of a call at one place, for so many seconds */
static double cost(int place, double seconds) {
  char byte = 'x';
  if (write(first_write(n) + place, &byte, 1) != 1) fail("write");
  long calls = 0;
  double begin = now(), end = begin;
  for (; end - begin < seconds; end = now(), calls += BATCH) {
    for (int i = 0; i < BATCH; i++) {
      if (!call_once(place)) exit(1);
    }
  }
  if (read(FIRST_READ + place, &byte, 1) != 1) fail("read");
  return (end - begin) / calls * 1e9;
}

/* ns of a call at places all over, the same for all peers, out of order */
static double anywhere(double seconds) {
  double sum = 0;
  for (int i = 0; i < PLACES; i++) sum += cost((i * 11 % PLACES * 2 + 1) * n / (2 * PLACES), seconds / PLACES);
  return sum / PLACES;
}

int main(int argc, char **argv) {
  if (argc < 5) return 2;
  name = argv[1];
  n = atoi(argv[2]);
  double seconds = atof(argv[3]);
  if (atoi(argv[4]) > 1) second_thread();
  prepare();
  anywhere(WARM_UP);
  double random = anywhere(seconds), first = cost(0, seconds), last = cost(n - 1, seconds);
  printf("{\"first\": %.1f, \"last\": %.1f, \"random\": %.1f}\n", first, last, random);
  return 0;
}
