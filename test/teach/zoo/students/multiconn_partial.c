/* An echo server that does not look at what send() returns. */
#include <arpa/inet.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

int main(int argc, char **argv) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(atoi(argv[argc - 1]))};
  struct pollfd fds[64] = {{.fd = socket(AF_INET, SOCK_STREAM, 0), .events = POLLIN}};
  int ports[64], count = 1, one = 1;
  setsockopt(fds[0].fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  inet_aton(argv[argc - 2], &address.sin_addr);
  if (bind(fds[0].fd, (struct sockaddr *)&address, sizeof address) < 0) return 1;
  listen(fds[0].fd, 64);
  printf("Listening on ('%s', %s)\n", argv[argc - 2], argv[argc - 1]);
  for (;;) {
    poll(fds, count, -1);
    for (int i = count - 1; i > 0; i--) {
      char data[4096];
      if (!fds[i].revents) continue;
      ssize_t size = recv(fds[i].fd, data, sizeof data, 0);
      if (size > 0) {
        printf("Echoing b'%.*s' to ('127.0.0.1', %d)\n", (int)size, data, ports[i]);
        send(fds[i].fd, data, size, MSG_DONTWAIT | MSG_NOSIGNAL);
        continue;
      }
      close(fds[i].fd);
      fds[i] = fds[--count];
      ports[i] = ports[count];
    }
    if (!(fds[0].revents & POLLIN)) continue;
    socklen_t size = sizeof address;
    fds[count] = (struct pollfd){.fd = accept(fds[0].fd, (struct sockaddr *)&address, &size), .events = POLLIN};
    ports[count++] = ntohs(address.sin_port);
  }
}
