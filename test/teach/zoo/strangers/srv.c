/* A chat server in C. The third argument names one thing that it does otherwise. */
#include <arpa/inet.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <unistd.h>

static char names[FD_SETSIZE][32], online[40];
static const char *end = "";
static int users;

static void count(int more) {
  users += more;
  snprintf(online, sizeof online, "(%d user%s online)", users, users == 1 ? "" : "s");
}

static void tell(int but, const char *format, const char *name, const char *what) {
  char text[1200];
  int length = snprintf(text, sizeof text, format, name, what);
  length += snprintf(text + length, sizeof text - length, "%s", end);
  for (int fd = 0; fd < FD_SETSIZE; fd++)
    if (names[fd][0] && fd != but) send(fd, text, length, 0);
}

int main(int argc, char **argv) {
  if (argc > 3 && strcmp(argv[3], "newline") == 0) end = "\n";
  signal(SIGPIPE, SIG_IGN);
  struct sockaddr_in here = {.sin_family = AF_INET, .sin_port = htons(atoi(argv[2]))};
  inet_pton(AF_INET, argv[1], &here.sin_addr);
  int listener = socket(AF_INET, SOCK_STREAM, 0), yes = 1;
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  if (bind(listener, (struct sockaddr *)&here, sizeof here) < 0 || listen(listener, 10) < 0) return perror("bind"), 1;
  for (;;) {
    fd_set set;
    FD_ZERO(&set);
    FD_SET(listener, &set);
    for (int fd = 0; fd < FD_SETSIZE; fd++) if (names[fd][0]) FD_SET(fd, &set);
    if (select(FD_SETSIZE, &set, NULL, NULL, NULL) < 0) return perror("select"), 1;
    for (int fd = 0; fd < FD_SETSIZE; fd++) {
      if (!FD_ISSET(fd, &set)) continue;
      char data[1025], name[32];
      if (fd == listener) {
        socklen_t size = sizeof here;
        int conn = accept(listener, (struct sockaddr *)&here, &size);
        snprintf(names[conn], sizeof names[conn], "%s:%d", inet_ntoa(here.sin_addr), ntohs(here.sin_port));
        count(1);
        snprintf(data, sizeof data, "> Connected to the chat server %s%s", online, end);
        send(conn, data, strlen(data), 0);
        tell(conn, "> New user %s entered. %s", names[conn], online);
        continue;
      }
      ssize_t got = recv(fd, data, sizeof data - 1, 0);
      strcpy(name, names[fd]);
      if (got > 0) {
        data[got] = '\0';
        tell(fd, "[%s] %s", name, data);
        continue;
      }
      names[fd][0] = '\0';
      close(fd);
      count(-1);
      tell(fd, "< The user %s left %s", name, online);
    }
  }
}
