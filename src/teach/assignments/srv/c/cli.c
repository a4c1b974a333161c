/* cli, given: srv's client. Shows what the server sends, and sends what is typed; an empty line ends it. */
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <unistd.h>

/* Connects to the first of the host's addresses where somebody listens. */
static int connect_to(const char *host, const char *port) {
  struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *found;
  int err = getaddrinfo(host, port, &hints, &found);
  if (err != 0) {
    fprintf(stderr, "%s, %s: %s\n", host, port, gai_strerror(err));
    exit(1);
  }
  int sock = -1;
  for (struct addrinfo *one = found; one && sock < 0; one = one->ai_next) {
    sock = socket(one->ai_family, one->ai_socktype, one->ai_protocol);
    if (sock >= 0 && connect(sock, one->ai_addr, one->ai_addrlen) < 0) {
      int reason = errno;
      close(sock);
      sock = -1;
      errno = reason;
    }
  }
  if (sock < 0) {
    fprintf(stderr, "%s, %s: %s\n", host, port, strerror(errno));
    exit(1);
  }
  freeaddrinfo(found);
  return sock;
}

/* send() may take only a part. */
static void send_all(int sock, const char *data, size_t length) {
  while (length > 0) {
    ssize_t sent = send(sock, data, length, MSG_NOSIGNAL);
    if (sent < 0) {
      perror("send");
      exit(1);
    }
    data += sent;
    length -= sent;
  }
}

/* Sends each line that was typed. Returns whether one was empty. */
static int send_lines(int sock, char *typed) {
  char *line = typed;
  do {
    size_t length = strcspn(line, "\n");
    if (length == 0) return 1;
    send_all(sock, line, length);
    printf("[You] %.*s\n", (int)length, line);
    line += length;
    if (*line == '\n') line++;
  } while (*line);
  fflush(stdout);
  return 0;
}

static const char *run_client(int sock) {
  for (;;) {
    fd_set readable;
    FD_ZERO(&readable);
    FD_SET(0, &readable);
    FD_SET(sock, &readable);
    if (select(sock + 1, &readable, NULL, NULL, NULL) < 0) return strerror(errno);
    if (FD_ISSET(sock, &readable)) {
      char data[1024];
      ssize_t length = recv(sock, data, sizeof data, 0);
      if (length <= 0) return "Server closed the connection.";
      fwrite(data, 1, length, stdout);
      putchar('\n');
      fflush(stdout);
    }
    if (FD_ISSET(0, &readable)) {
      /* Not fgets(): what it keeps back in its buffer, select() does not see. */
      char typed[4096 + 1] = "";
      if (read(0, typed, sizeof typed - 1) < 0) return strerror(errno);
      if (send_lines(sock, typed)) return "You have been disconnected.";
    }
  }
}

int main(int argc, char **argv) {
  if (argc != 3) {
    fprintf(stderr, "usage: %s host port\n", argv[0]);
    return 2;
  }
  puts(run_client(connect_to(argv[1], argv[2])));
  return 0;
}
