#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <unistd.h>

int main(int argc, char **argv) {
  (void)argc;
  struct sockaddr_in addresses[FD_SETSIZE], here = {.sin_family = AF_INET, .sin_port = htons(atoi(argv[1]))};
  int listener = socket(AF_INET, SOCK_STREAM, 0), yes = 1;
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  if (bind(listener, (struct sockaddr *)&here, sizeof here) < 0 || listen(listener, 10) < 0) return perror("bind"), 1;
  fd_set open_fds, readfds;
  FD_ZERO(&open_fds);
  FD_SET(listener, &open_fds);
  for (;;) {
    readfds = open_fds;
    /* As getdtablesize() has it where many descriptors are allowed: the kernel looks at those that can be open. */
    select(1 << 20, &readfds, NULL, NULL, NULL);
    for (int fd = 0; fd < FD_SETSIZE; fd++) {
      if (!FD_ISSET(fd, &readfds)) continue;
      if (fd == listener) {
        struct sockaddr_in peer;
        socklen_t size = sizeof peer;
        int conn = accept(listener, (struct sockaddr *)&peer, &size);
        addresses[conn] = peer;
        FD_SET(conn, &open_fds);
        printf("('%s', %d): connected\n", inet_ntoa(peer.sin_addr), ntohs(peer.sin_port));
        continue;
      }
      char data[4096];
      int size = recv(fd, data, sizeof data, 0);
      printf("('%s', %d)", inet_ntoa(addresses[fd].sin_addr), ntohs(addresses[fd].sin_port));
      if (size > 0) {
        printf(" %d bytes: b'%.*s'\n", size, size, data);
      } else {
        printf(": disconnected\n");
        FD_CLR(fd, &open_fds);
        close(fd);
      }
    }
  }
}
