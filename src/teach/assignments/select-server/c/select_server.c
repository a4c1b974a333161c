/* select-server: prints who connects, what they send, and who leaves. README.md says how. */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <unistd.h>

static void run_server(int port) {
  (void)port;
  /* 1. A socket that listens on 127.0.0.1 and this port. */
  /* 2. For ever: wait in select() until something can be read. */
  /* 3. The listening socket: somebody connects. Any other: data, or the end. printf() what the README shows. */
}

int main(int argc, char **argv) {
  if (argc != 2) {
    fprintf(stderr, "usage: %s port\n", argv[0]);
    return 2;
  }
  run_server(atoi(argv[1]));
  return 0;
}
