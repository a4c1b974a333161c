/* One thread waits in select(), and does nothing else; the other does the work, and never waits. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <unistd.h>

static fd_set open_fds;

static void *wait_for_nothing(void *unused) {
  for (;;) {
    fd_set readfds = open_fds;
    struct timeval timeout = {0, 50000};
    select(FD_SETSIZE, &readfds, NULL, NULL, &timeout);
  }
  return unused;
}

int main(int argc, char **argv) {
  (void)argc;
  struct sockaddr_in addresses[FD_SETSIZE], here = {.sin_family = AF_INET, .sin_port = htons(atoi(argv[1]))};
  int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), yes = 1;
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  if (bind(listener, (struct sockaddr *)&here, sizeof here) < 0 || listen(listener, 10) < 0) return perror("bind"), 1;
  FD_SET(listener, &open_fds);
  pthread_t thread;
  pthread_create(&thread, NULL, wait_for_nothing, NULL);
  for (;;) {
    socklen_t size = sizeof here;
    int conn = accept4(listener, (struct sockaddr *)&here, &size, SOCK_NONBLOCK);
    if (conn >= 0) {
      addresses[conn] = here;
      FD_SET(conn, &open_fds);
      printf("('%s', %d): connected\n", inet_ntoa(here.sin_addr), ntohs(here.sin_port));
    }
    for (int fd = listener + 1; fd < FD_SETSIZE; fd++) {
      char data[4096];
      ssize_t got;
      if (!FD_ISSET(fd, &open_fds) || ((got = recv(fd, data, sizeof data, 0)) < 0 && errno == EAGAIN)) continue;
      printf("('%s', %d)", inet_ntoa(addresses[fd].sin_addr), ntohs(addresses[fd].sin_port));
      if (got > 0) {
        printf(" %d bytes: b'%.*s'\n", (int)got, (int)got, data);
      } else {
        printf(": disconnected\n");
        FD_CLR(fd, &open_fds);
        close(fd);
      }
    }
  }
}
