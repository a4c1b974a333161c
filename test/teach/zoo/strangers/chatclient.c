/* A chat client in C. The third argument names one thing that it does otherwise. */
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <unistd.h>

int main(int argc, char **argv) {
  const char *how = argc > 3 ? argv[3] : "";
  struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *all;
  if (getaddrinfo(argv[1], argv[2], &hints, &all) != 0) return 1;
  int fd = -1;
  for (struct addrinfo *a = all; a; a = a->ai_next) {
    fd = socket(a->ai_family, a->ai_socktype, 0);
    if (connect(fd, a->ai_addr, a->ai_addrlen) == 0) break;
    close(fd), fd = -1;
  }
  if (fd < 0) return perror("connect"), 1;
  char data[1024];
  ssize_t got;
  if (strcmp(how, "hello") == 0) {
    write(1, data, recv(fd, data, sizeof data, 0));
    got = read(0, data, sizeof data);
    send(fd, data, got - 1, 0); /* without its newline */
    write(1, data, recv(fd, data, sizeof data, 0));
  }
  for (;;) {
    fd_set set;
    FD_ZERO(&set);
    FD_SET(0, &set);
    FD_SET(fd, &set);
    select(fd + 1, &set, NULL, NULL, NULL);
    if (FD_ISSET(fd, &set)) {
      if ((got = recv(fd, data, sizeof data, 0)) <= 0) {
        puts(strcmp(how, "typo") == 0 ? "disconnected from server" : "Disconnected from server!");
        return 0;
      }
      write(1, data, got);
    }
    if (FD_ISSET(0, &set)) {
      if ((got = read(0, data, sizeof data)) <= 0) return 0;
      send(fd, data, got, 0);
    }
  }
}
