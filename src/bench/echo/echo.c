/* Echo servers in C: echo select|epoll|spin. Prints the port that it listens on.
   spin asks each connection in turn without waiting for any: it shows what the generator itself can do. */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/select.h>
#include <sys/socket.h>
#ifdef __linux__
#include <sys/epoll.h>
#endif

#include "../bench.h"

enum { BACKLOG = 4096, BUFFER_SIZE = 65536, MAX_CONNS = 20000 };

static char buffer[BUFFER_SIZE];
static int listener;

static int accept_one(void) {
  int one = 1, fd = accept(listener, NULL, NULL);
  if (fd >= 0) setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  return fd;
}

/* Whether the peer is still there. */
static int echo(int fd) {
  ssize_t got = recv(fd, buffer, sizeof buffer, MSG_DONTWAIT);
  if (got < 0) return errno == EAGAIN;
  for (ssize_t sent = 0; sent < got;) {
    ssize_t n = send(fd, buffer + sent, got - sent, MSG_NOSIGNAL);
    if (n < 0) return 0;
    sent += n;
  }
  return got > 0;
}

static void serve_select(void) {
  fd_set master, readfds;
  FD_ZERO(&master);
  FD_SET(listener, &master);
  for (int fdmax = listener;;) {
    readfds = master;
    int ready = select(fdmax + 1, &readfds, NULL, NULL, NULL);
    for (int fd = 0; ready > 0 && fd <= fdmax; fd++) {
      if (!FD_ISSET(fd, &readfds)) continue;
      ready--;
      if (fd == listener) {
        int conn = accept_one();
        if (conn < 0 || conn >= FD_SETSIZE) continue;
        FD_SET(conn, &master);
        if (conn > fdmax) fdmax = conn;
      } else if (!echo(fd)) {
        FD_CLR(fd, &master);
        close(fd);
      }
    }
  }
}

#ifdef __linux__
static void serve_epoll(void) {
  int epfd = epoll_create1(0);
  struct epoll_event event = {.events = EPOLLIN, .data.fd = listener}, events[1024];
  epoll_ctl(epfd, EPOLL_CTL_ADD, listener, &event);
  for (;;) {
    int ready = epoll_wait(epfd, events, 1024, -1);
    for (int i = 0; i < ready; i++) {
      int fd = events[i].data.fd;
      if (fd == listener) {
        event.data.fd = accept_one();
        if (event.data.fd >= 0) epoll_ctl(epfd, EPOLL_CTL_ADD, event.data.fd, &event);
      } else if (!echo(fd)) {
        close(fd);
      }
    }
  }
}
#endif

static void serve_spin(void) {
  static int conns[MAX_CONNS];
  int count = 0;
  for (unsigned round = 0;; round++) {
    if (round % 64 == 0) {
      int conn = accept_one();
      if (conn >= 0) conns[count++] = conn;
    }
    for (int i = 0; i < count; i++) {
      if (echo(conns[i])) continue;
      close(conns[i]);
      conns[i] = conns[--count];
    }
  }
}

int main(int argc, char **argv) {
  if (argc < 2) return 2;
  second_thread();
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t size = sizeof address;
  int type = SOCK_STREAM;
  if (strcmp(argv[1], "spin") == 0) type |= SOCK_NONBLOCK;
  listener = socket(AF_INET, type, 0);
  if (bind(listener, (struct sockaddr *)&address, size) != 0) fail("bind");
  if (listen(listener, BACKLOG) != 0) fail("listen");
  if (getsockname(listener, (struct sockaddr *)&address, &size) != 0) fail("getsockname");
  printf("%d\n", ntohs(address.sin_port));
  fflush(stdout);
  if (strcmp(argv[1], "select") == 0) serve_select();
#ifdef __linux__
  if (strcmp(argv[1], "epoll") == 0) serve_epoll();
#endif
  if (strcmp(argv[1], "spin") == 0) serve_spin();
  return 2;
}
