/* How the generator waits: epoll(7). */
#include <sys/epoll.h>

enum { MAX_EVENTS = 1024 };
static int epfd;

static void wait_start(void) {
  epfd = epoll_create1(0);
  if (epfd < 0) fail("epoll_create1");
}

static void wait_for(int i) {
  struct epoll_event event = {.events = EPOLLIN, .data.u32 = i};
  if (epoll_ctl(epfd, EPOLL_CTL_ADD, conns[i].fd, &event) != 0) fail("epoll_ctl");
}

static int take_ready(int milliseconds) {
  struct epoll_event events[MAX_EVENTS];
  int ready = epoll_wait(epfd, events, MAX_EVENTS, milliseconds);
  for (int i = 0; i < ready; i++) take(events[i].data.u32);
  return ready;
}
