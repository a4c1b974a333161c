/* An echo server in C on poll(). The third argument names one thing that it does otherwise. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define MAX 64
static struct { char *out; size_t size; int port; } conns[MAX];

static void *serve(void *arg) {
  int fd = (int)(long)arg;
  char data[4096];
  for (ssize_t got; (got = recv(fd, data, sizeof data, 0)) > 0;) {
    printf("Echoing b'%.*s' to ('127.0.0.1', %d)\n", (int)got, data, conns[fd].port);
    for (ssize_t at = 0, sent; at < got; at += sent) if ((sent = send(fd, data + at, got - at, MSG_NOSIGNAL)) < 0) break;
  }
  close(fd);
  return NULL;
}

int main(int argc, char **argv) {
  const char *how = argc > 3 ? argv[3] : "";
  setvbuf(stdout, NULL, _IOLBF, 0);
  signal(SIGPIPE, SIG_IGN);
  struct sockaddr_in here = {.sin_family = AF_INET, .sin_port = htons(atoi(argv[2]))};
  inet_pton(AF_INET, argv[1], &here.sin_addr);
  int listener = socket(AF_INET, SOCK_STREAM, 0), yes = 1, count = 1;
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  if (bind(listener, (struct sockaddr *)&here, sizeof here) < 0 || listen(listener, 10) < 0) return perror("bind"), 1;
  printf("Listening on ('%s', %s)\n", argv[1], argv[2]);
  struct pollfd fds[MAX] = {{listener, POLLIN, 0}};
  for (;;) {
    if (poll(fds, count, -1) < 0) return perror("poll"), 1;
    for (int i = count - 1; i >= 0; i--) {
      int fd = fds[i].fd;
      if (!fds[i].revents) continue;
      if (fd == listener) {
        socklen_t size = sizeof here;
        int conn = accept(listener, (struct sockaddr *)&here, &size);
        conns[conn].port = ntohs(here.sin_port);
        pthread_t thread;
        if (strcmp(how, "threads") == 0) { pthread_create(&thread, NULL, serve, (void *)(long)conn); continue; }
        fcntl(conn, F_SETFL, O_NONBLOCK);
        fds[count++] = (struct pollfd){conn, POLLIN, 0};
        continue;
      }
      int gone = 0;
      if (fds[i].revents & (POLLIN | POLLHUP | POLLERR)) {
        char data[2048];
        ssize_t got = recv(fd, data, strcmp(how, "slow") == 0 ? 512 : sizeof data, 0);
        if (got < 0 && errno == ECONNRESET && strcmp(how, "reset") == 0) return perror("recv"), 1;
        if (got == 0 && strcmp(how, "leaves") == 0) return 0;
        if (got <= 0) gone = got == 0 || errno != EAGAIN;
        else {
          conns[fd].out = realloc(conns[fd].out, conns[fd].size + got);
          memcpy(conns[fd].out + conns[fd].size, data, got);
          conns[fd].size += got;
        }
      } else if (fds[i].revents & POLLOUT) {
        printf("Echoing b'%.*s' to ('127.0.0.1', %d)\n", (int)(conns[fd].size < 60 ? conns[fd].size : 60), conns[fd].out, conns[fd].port);
        ssize_t sent = send(fd, conns[fd].out, conns[fd].size, 0);
        if (sent < 0) gone = errno != EAGAIN;
        else { conns[fd].size -= sent; memmove(conns[fd].out, conns[fd].out + sent, conns[fd].size); }
      }
      if (gone) {
        close(fd);
        conns[fd].size = 0;
        fds[i] = fds[--count];
      } else fds[i].events = POLLIN | (conns[fd].size ? POLLOUT : 0);
    }
  }
}
