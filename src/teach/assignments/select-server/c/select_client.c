/* select-client, given: sends a few random letters to the server, at once and every few seconds. */
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <time.h>
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

int main(int argc, char **argv) {
  if (argc != 4) {
    fprintf(stderr, "usage: %s prefix host port\n", argv[0]);
    return 2;
  }
  srand(time(NULL) + getpid());
  int sock = connect_to(argv[2], argv[3]);
  for (;;) {
    char letters[20] = "", message[1024];
    int count = 10 + rand() % 10;
    for (int i = 0; i < count; i++) letters[i] = 'a' + rand() % 26;
    snprintf(message, sizeof message, "%s: %s", argv[1], letters);
    send_all(sock, message, strlen(message));

    /* The server says nothing: all that can be read is its end. */
    fd_set readable;
    FD_ZERO(&readable);
    FD_SET(sock, &readable);
    struct timeval timeout = {.tv_sec = 1 + rand() % 5};
    if (select(sock + 1, &readable, NULL, NULL, &timeout) != 0) {
      fprintf(stderr, "server closed the connection\n");
      return 1;
    }
  }
}
