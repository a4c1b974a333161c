/* The chain of libevent's own benchmark: wait select|poll|epoll N ACTIVE WRITES SECONDS
   N pairs are waited for. ACTIVE of them hold a byte; who reads one writes one into the pair that follows, until
   WRITES are done. A round is that; prints the microseconds of an event, over as many rounds as fit. */
#include <poll.h>
#include <sys/select.h>
#ifdef __linux__
#include <sys/epoll.h>
#endif

#include "../bench.h"

static int n, writes, fired;
static fd_set master;
static struct pollfd pollfds[16384];
static int epfd = -1;

static void put(int place) {
  if (write(first_write(n) + place % n, "e", 1) != 1) fail("write");
}

static void got(int place) {
  char byte;
  if (read(FIRST_READ + place, &byte, 1) != 1) fail("read");
  fired++;
  if (writes > 0) {
    writes--;
    put(place + 1);
  }
}

static void wait_select(void) {
  fd_set readfds = master;
  int ready = select(FIRST_READ + n, &readfds, NULL, NULL, NULL);
  for (int i = 0; ready > 0 && i < n; i++) {
    if (FD_ISSET(FIRST_READ + i, &readfds)) got(i), ready--;
  }
}

static void wait_poll(void) {
  int ready = poll(pollfds, n, -1);
  for (int i = 0; ready > 0 && i < n; i++) {
    if (pollfds[i].revents) got(i), ready--;
  }
}

static void wait_epoll(void) {
#ifdef __linux__
  struct epoll_event events[1024];
  int ready = epoll_wait(epfd, events, 1024, -1);
  for (int i = 0; i < ready; i++) got(events[i].data.fd - FIRST_READ);
#endif
}

int main(int argc, char **argv) {
  if (argc < 6) return 2;
  n = atoi(argv[2]);
  int active = atoi(argv[3]), each = atoi(argv[4]);
  double seconds = atof(argv[5]);
  second_thread();

  FD_ZERO(&master);
  for (int i = 0; i < n; i++) {
    if (FIRST_READ + i < FD_SETSIZE) FD_SET(FIRST_READ + i, &master);
    pollfds[i] = (struct pollfd){.fd = FIRST_READ + i, .events = POLLIN};
  }
  void (*wait_once)(void) = argv[1][0] == 's' ? wait_select : wait_poll;
#ifdef __linux__
  if (argv[1][0] == 'e') {
    wait_once = wait_epoll;
    epfd = epoll_create1(0);
    for (int i = 0; i < n; i++) {
      struct epoll_event event = {.events = EPOLLIN, .data.fd = FIRST_READ + i};
      if (epoll_ctl(epfd, EPOLL_CTL_ADD, FIRST_READ + i, &event) != 0) fail("epoll_ctl");
    }
  }
#endif

  long events = 0;
  double begin = now(), end = begin;
  for (int warm = 0; !warm || end - begin < seconds; end = now()) {
    if (!warm && end - begin > WARM_UP) warm = 1, events = 0, begin = end;
    fired = 0;
    writes = each;
    for (int i = 0; i < active; i++) put(i * (n / active));
    while (fired < active + each) wait_once();
    events += fired;
  }
  printf("{\"us\": %.4f}\n", (end - begin) / events * 1e6);
  return 0;
}
