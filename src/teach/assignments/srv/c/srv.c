/* srv: a chat whose users are known by their addresses. README.md says how. */
#include <arpa/inet.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <unistd.h>

static void run_server(const char *host, int port) {
  (void)host, (void)port;
  /* 1. A socket that listens on this host and port. */
  /* 2. For ever: wait in select() until something can be read. */
  /* 3. The listening socket: greet the newcomer, and tell the others. Any other: relay, or forget it. */
}

int main(int argc, char **argv) {
  if (argc != 3) {
    fprintf(stderr, "usage: %s host port\n", argv[0]);
    return 2;
  }
  run_server(argv[1], atoi(argv[2]));
  return 0;
}
