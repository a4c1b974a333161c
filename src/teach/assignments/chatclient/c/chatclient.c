/* chatclient: shows what the server sends, and sends what is typed. README.md says how. */
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <unistd.h>

static int open_connection(const char *host, const char *port) {
  (void)host, (void)port;
  /* 1. A socket that is connected: getaddrinfo() knows what localhost is. */
  return -1;
}

static void print_message(const char *message) {
  /* 4. Extra credit. */
  fputs(message, stdout);
}

int main(int argc, char **argv) {
  if (argc != 3) {
    fprintf(stderr, "usage: %s host port\n", argv[0]);
    return 2;
  }
  int fd = open_connection(argv[1], argv[2]);
  (void)fd, (void)print_message;
  /* 2. For ever: wait in select() for the connection and for descriptor 0. */
  /* 3. The connection: show what has come, or end. Descriptor 0: send what read() gives. */
  return 0;
}
