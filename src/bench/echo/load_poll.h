/* How the generator waits where there is no epoll(7): poll(2). */
#include <poll.h>

static struct pollfd pollfds[16384];

static void wait_start(void) {}

static void wait_for(int i) {
  pollfds[i] = (struct pollfd){.fd = conns[i].fd, .events = POLLIN};
}

static int take_ready(int milliseconds) {
  int ready = poll(pollfds, count, milliseconds);
  for (int i = 0; ready > 0 && i < count; i++) {
    if (pollfds[i].revents) take(i);
  }
  return ready;
}
