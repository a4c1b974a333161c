/* multiconn-server: echoes what each of its clients sends. README.md says how. */
#include <arpa/inet.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <unistd.h>

static void run_server(const char *host, int port) {
  (void)host, (void)port;
  /* 1. A socket that listens on this host and port, and does not block. */
  /* 2. For ever: wait in select(), poll() or epoll_wait(). */
  /* 3. The listening socket: accept, do not block. Any other: read what can be read, send what can be sent. */
}

int main(int argc, char **argv) {
  if (argc != 3) {
    fprintf(stderr, "usage: %s host port\n", argv[0]);
    return 2;
  }
  run_server(argv[1], atoi(argv[2]));
  return 0;
}
