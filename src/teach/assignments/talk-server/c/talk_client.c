/* talk-client, given: shows what the server sends, and sends what is typed. */
#include <errno.h>
#include <getopt.h>
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

/* Each line that was typed is sent with the name before it. */
static void send_lines(int sock, const char *name, char *typed) {
  for (char *line = strtok(typed, "\n"); line; line = strtok(NULL, "\n")) {
    char message[8192];
    snprintf(message, sizeof message, "%s says: %s", name, line);
    send_all(sock, message, strlen(message));
  }
}

static int run_client(const char *name, int sock) {
  for (;;) {
    fd_set readable;
    FD_ZERO(&readable);
    FD_SET(0, &readable);
    FD_SET(sock, &readable);
    if (select(sock + 1, &readable, NULL, NULL, NULL) < 0) {
      perror("select");
      return 1;
    }
    if (FD_ISSET(sock, &readable)) {
      char data[1024];
      ssize_t length = recv(sock, data, sizeof data, 0);
      if (length <= 0) {
        fprintf(stderr, "The server terminated the connection.\n");
        return 1;
      }
      fwrite(data, 1, length, stdout);
      putchar('\n');
      fflush(stdout);
    }
    if (FD_ISSET(0, &readable)) {
      /* Not fgets(): what it keeps back in its buffer, select() does not see. */
      char typed[4096 + 1];
      ssize_t length = read(0, typed, sizeof typed - 1);
      if (length <= 0) return 0;
      typed[length] = '\0';
      send_lines(sock, name, typed);
    }
  }
}

int main(int argc, char **argv) {
  char own_name[256] = "";
  gethostname(own_name, sizeof own_name - 1);
  const char *name = own_name, *server = "127.0.0.1", *port = "12345";
  const struct option options[] = {
      {"name", required_argument, NULL, 'n'},
      {"server", required_argument, NULL, 's'},
      {"port", required_argument, NULL, 'p'},
      {0},
  };
  for (int option; (option = getopt_long(argc, argv, "n:s:p:", options, NULL)) != -1;) {
    if (option == 'n') name = optarg;
    else if (option == 's') server = optarg;
    else if (option == 'p') port = optarg;
    else return 2;
  }
  return run_client(name, connect_to(server, port));
}
