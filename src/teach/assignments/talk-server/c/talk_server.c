/* talk-server: relays what each client sends to all others. README.md says how. */
#include <arpa/inet.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <unistd.h>

static void run_server(int port, int verbose) {
  (void)port, (void)verbose;
  /* 1. A socket that listens on this port; if that cannot be, a message and the end. */
  /* 2. For ever: wait in select() until something can be read. */
  /* 3. The listening socket: greet the newcomer. Any other: relay, or forget it. */
}

int main(int argc, char **argv) {
  (void)argc, (void)argv;
  /* 4. The options -p, --port and -v, --verbose: getopt_long(). */
  run_server(12345, 0);
  return 0;
}
