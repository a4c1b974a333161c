/* talk_server: a chat server in C. The environment's KIND names the one thing that it does otherwise. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <unistd.h>

static int fds[FD_SETSIZE], count, verbose;
static volatile sig_atomic_t stopped;
static const char *kind;

static int is(const char *name) { return strcmp(kind, name) == 0; }
static void stop(int signal) { (void)signal; stopped = 1; }

static int fail(const char *call) {
  fprintf(stderr, "talk_server: %s: %s\n", call, strerror(errno));
  return 1;
}

static void send_all(int fd, const char *data, ssize_t size) {
  if (is("partial")) {
    send(fd, data, size, MSG_DONTWAIT); /* what it returns is not looked at */
    return;
  }
  for (ssize_t sent; size > 0; data += sent, size -= sent)
    if ((sent = send(fd, data, size, 0)) < 0) return;
}

static void take(int listener) {
  int fd = accept(listener, NULL, NULL);
  if (fd < 0) return;
  fds[count++] = fd;
  send_all(fd, "Thank you for connecting", 24);
  if (verbose && !is("messages")) printf("connection %d\n", fd);
}

static void serve(int i, int listener) {
  char data[1024];
  ssize_t size = recv(is("wrongsocket") ? listener : fds[i], data, sizeof data, 0);
  if (size < 0 && is("wrongsocket")) exit(fail("recv"));
  if (size > 0) {
    if (verbose) printf("%zd bytes from %d\n", size, fds[i]);
    for (int j = 0; j < count; j++)
      if (j != i) send_all(fds[j], data, size);
    return;
  }
  if (verbose && !is("messages")) printf("%d has left\n", fds[i]);
  close(fds[i]);
  fds[i] = fds[--count];
}

/* Waits for one kind of descriptors, or for all of them. */
static fd_set wait_for(int listener, int clients, struct timeval *timeout) {
  fd_set set;
  int most = listener;
  FD_ZERO(&set);
  if (listener >= 0) FD_SET(listener, &set);
  for (int i = 0; clients && i < count; i++) {
    FD_SET(fds[i], &set);
    if (fds[i] > most) most = fds[i];
  }
  if (select(most + 1, &set, NULL, NULL, timeout) <= 0) FD_ZERO(&set);
  return set;
}

static void serve_all(int listener, const fd_set *ready) {
  for (int i = count - 1; i >= 0; i--)
    if (FD_ISSET(fds[i], ready)) serve(i, listener);
}

int main(int argc, char **argv) {
  const struct option options[] = {{"port", 1, 0, 'p'}, {"verbose", 0, 0, 'v'}, {0, 0, 0, 0}};
  const struct option none[] = {{0, 0, 0, 0}};
  int port = 12345, one = 1, option;
  kind = getenv("KIND") ? getenv("KIND") : "none";
  opterr = 0;
  while ((option = getopt_long(argc, argv, "p:v", is("shortoptions") ? none : options, NULL)) != -1) {
    if (option == 'p') port = atoi(optarg);
    if (option == 'v') verbose = 1;
  }
  setvbuf(stdout, NULL, _IOLBF, 0);
  signal(SIGPIPE, SIG_IGN);
  sigaction(SIGINT, &(struct sigaction){.sa_handler = stop}, NULL);
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
  int listener = socket(AF_INET, SOCK_STREAM, 0);
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  if (bind(listener, (struct sockaddr *)&address, sizeof address) < 0) return fail("bind");
  listen(listener, 20);
  struct timeval once = {3, 0};
  while (!stopped) {
    if (is("turns")) {
      fd_set ready = wait_for(listener, 0, &(struct timeval){0, 100000});
      if (FD_ISSET(listener, &ready)) take(listener);
      if (count == 0) continue;
      ready = wait_for(-1, 1, &(struct timeval){0, 100000});
      serve_all(listener, &ready);
      continue;
    }
    fd_set ready = wait_for(listener, 1, is("timeval") ? &once : is("timeout") ? &(struct timeval){1, 0} : NULL);
    serve_all(listener, &ready);
    if (FD_ISSET(listener, &ready)) take(listener);
  }
  return 0;
}
