/* select_server in C. The environment's KIND names the one thing that it does otherwise. */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <unistd.h>

static char names[FD_SETSIZE][40];

int main(int argc, char **argv) {
  const char *kind = getenv("KIND") ? getenv("KIND") : "none";
  int port = strcmp(kind, "fixedport") == 0 ? 3490 : atoi(argv[argc - 1]), one = 1;
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
  int listener = socket(AF_INET, SOCK_STREAM, 0);
  FILE *out = strcmp(kind, "logging") == 0 ? stderr : stdout;
  const char *time = out == stderr ? "12:30:00 " : "";
  fd_set all, ready;
  struct timeval once = {3, 0};
  setlinebuf(stdout);
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  if (bind(listener, (struct sockaddr *)&address, sizeof address) < 0) {
    perror("bind");
    return 1;
  }
  listen(listener, 20);
  FD_ZERO(&all);
  FD_SET(listener, &all);
  for (int nfds = listener + 1;;) {
    ready = all;
    int isMaster = strcmp(kind, "master") == 0;
    select(nfds, isMaster ? &all : &ready, NULL, NULL, strcmp(kind, "timeval") == 0 ? &once : NULL);
    if (isMaster) ready = all;
    if (FD_ISSET(listener, &ready)) {
      socklen_t size = sizeof address;
      int fd = accept(listener, (struct sockaddr *)&address, &size);
      snprintf(names[fd], sizeof names[fd], "('127.0.0.1', %d)", ntohs(address.sin_port));
      fprintf(out, "%s%s: connected\n", time, names[fd]);
      FD_SET(fd, &all);
      if (isMaster) FD_SET(fd, &ready); /* as the set itself is given to select() */
      if (fd >= nfds) nfds = strcmp(kind, "nfds") == 0 ? fd : fd + 1;
    }
    for (int fd = 0; fd < nfds; fd++) {
      char data[1024];
      if (fd == listener || !FD_ISSET(fd, &ready)) continue;
      ssize_t size = recv(fd, data, sizeof data, 0);
      if (size > 0) {
        fprintf(out, "%s%s %zd bytes: b'%.*s'\n", time, names[fd], size, (int)size, data);
        continue;
      }
      fprintf(out, "%s%s: disconnected\n", time, names[fd]);
      close(fd);
      FD_CLR(fd, &all);
    }
    if (isMaster) FD_SET(listener, &all);
  }
}
