/* multiconn-client, given: makes connections to the server, sends two messages on each, and receives them back. */
#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static const char MESSAGES[2][24] = {"Message 1 from client.", "Message 2 from client."};
#define LENGTH (sizeof "Message 1 from client." - 1)

struct connection {
  size_t sent;
  size_t received;
};

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

/* Sends what the socket takes of the message whose turn it is. */
static void send_some(int sock, int id, struct connection *connection) {
  const char *rest = MESSAGES[connection->sent / LENGTH] + connection->sent % LENGTH;
  printf("Sending b'%s' to connection %d\n", rest, id);
  ssize_t sent = send(sock, rest, strlen(rest), MSG_NOSIGNAL | MSG_DONTWAIT);
  if (sent < 0) {
    perror("send");
    exit(1);
  }
  connection->sent += sent;
}

/* Returns whether all has come back, or nothing more will. */
static int receive_some(int sock, int id, struct connection *connection) {
  char data[1024];
  ssize_t length = recv(sock, data, sizeof data, 0);
  if (length < 0) {
    perror("recv");
    exit(1);
  }
  if (length > 0) printf("Received b'%.*s' from connection %d\n", (int)length, data, id);
  connection->received += length;
  return length == 0 || connection->received == 2 * LENGTH;
}

int main(int argc, char **argv) {
  int count = argc == 4 ? atoi(argv[3]) : 0;
  if (count < 1) {
    fprintf(stderr, "usage: %s host port num_conns\n", argv[0]);
    return 2;
  }
  setvbuf(stdout, NULL, _IOLBF, 0);
  struct pollfd *sockets = calloc(count, sizeof *sockets);
  struct connection *connections = calloc(count, sizeof *connections);
  for (int i = 0; i < count; i++) {
    printf("Starting connection %d to ('%s', %s)\n", i + 1, argv[1], argv[2]);
    sockets[i] = (struct pollfd){.fd = connect_to(argv[1], argv[2]), .events = POLLIN | POLLOUT};
  }
  for (int open = count; open > 0;) {
    if (poll(sockets, count, -1) < 0) {
      perror("poll");
      return 1;
    }
    for (int i = 0; i < count; i++) {
      if ((sockets[i].revents & POLLOUT) && connections[i].sent < 2 * LENGTH)
        send_some(sockets[i].fd, i + 1, &connections[i]);
      if (connections[i].sent == 2 * LENGTH) sockets[i].events = POLLIN;
      if (!(sockets[i].revents & (POLLIN | POLLHUP | POLLERR))) continue;
      if (!receive_some(sockets[i].fd, i + 1, &connections[i])) continue;
      printf("Closing connection %d\n", i + 1);
      close(sockets[i].fd);
      sockets[i].fd = -1; /* poll() passes over it */
      open--;
    }
  }
  free(sockets);
  free(connections);
  return 0;
}
