/* A select-server in C. The second argument names one thing that it does otherwise. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <unistd.h>

static char names[FD_SETSIZE][80];
static const char *how = "";

static int is(const char *name) { return strcmp(how, name) == 0; }

static void say(const char *name, const char *text) {
  if (is("stamp")) printf("<1732881600> ");
  if (is("ansi")) printf("\033[32m");
  printf("%s%s", name, text);
  if (is("ansi")) printf("\033[m");
  if (is("trail")) printf(" \t");
  if (is("crlf")) printf("\r");
  printf("\n");
  fflush(stdout);
}

int main(int argc, char **argv) {
  if (argc > 2) how = argv[2];
  int family = is("v6") ? AF_INET6 : AF_INET, yes = 1;
  int listener = socket(family, SOCK_STREAM, 0), most = listener;
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  struct sockaddr_in any = {.sin_family = AF_INET, .sin_port = htons(atoi(argv[1]))};
  struct sockaddr_in6 any6 = {.sin6_family = AF_INET6, .sin6_port = htons(atoi(argv[1])), .sin6_addr = in6addr_loopback};
  struct sockaddr *here = is("v6") ? (struct sockaddr *)&any6 : (struct sockaddr *)&any;
  if (bind(listener, here, is("v6") ? sizeof any6 : sizeof any) < 0 || listen(listener, 10) < 0) return perror("bind"), 1;
  fd_set all, writers;
  FD_ZERO(&all);
  FD_ZERO(&writers);
  FD_SET(listener, &all);
  for (;;) {
    fd_set readfds = all, writefds = writers;
    if (select(most + 1, &readfds, &writefds, NULL, NULL) < 0) return perror("select"), 1;
    for (int fd = 0; fd <= most; fd++) {
      if (!FD_ISSET(fd, &readfds)) continue;
      if (fd == listener) {
        struct sockaddr_storage peer;
        socklen_t size = sizeof peer;
        int conn = accept(listener, (struct sockaddr *)&peer, &size);
        char host[64];
        void *address = peer.ss_family == AF_INET6 ? (void *)&((struct sockaddr_in6 *)&peer)->sin6_addr : (void *)&((struct sockaddr_in *)&peer)->sin_addr;
        inet_ntop(peer.ss_family, address, host, sizeof host);
        snprintf(names[conn], sizeof names[conn], "('%s', %d)", host, ntohs(((struct sockaddr_in *)&peer)->sin_port));
        FD_SET(conn, &all);
        if (conn > most) most = conn;
        say(names[conn], ": connected");
        continue;
      }
      char data[4096], text[5000];
      ssize_t got = recv(fd, data, sizeof data, 0);
      if (got < 0 && is("reset")) return perror("recv"), 1;
      if (got > 0) {
        if (is("crashdata")) abort();
        if (is("busy")) FD_SET(fd, &writers);
        snprintf(text, sizeof text, "%s%zd bytes: b'%.*s'", is("extracolon") ? ": " : " ", got, (int)got, data);
        say(names[fd], text);
      } else {
        say(names[fd], ": disconnected");
        FD_CLR(fd, &all), FD_CLR(fd, &writers);
        close(fd);
      }
    }
  }
}
