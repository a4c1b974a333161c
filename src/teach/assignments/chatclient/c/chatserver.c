/* chatserver, given: a chat whose users have names. What one says comes to all as NAME::TEXT. */
#include <arpa/inet.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <unistd.h>

static const char WELCOME[] = "Welcome to the chat server\nPlease enter your screen name:\n";

/* By descriptor: who is there, by which name, and the beginning of a line. */
static struct {
  int is_there;
  char name[64];
  char line[1024];
  size_t length;
} users[FD_SETSIZE];

static void broadcast(const char *text) {
  for (int fd = 0; fd < FD_SETSIZE; fd++)
    if (users[fd].is_there && users[fd].name[0]) send(fd, text, strlen(text), 0); /* if it has gone, recv() tells */
}

/* A whole line: a name, or a message. */
static void hear(int fd, char *line) {
  char text[1200];
  line[strcspn(line, "\r")] = '\0';
  if (users[fd].name[0]) {
    snprintf(text, sizeof text, "%s::%s\n", users[fd].name, line);
  } else {
    if (line[0] == '\0') return;
    snprintf(users[fd].name, sizeof users[fd].name, "%.63s", line);
    snprintf(text, sizeof text, "%s logged in\n", users[fd].name);
  }
  broadcast(text);
}

static void leave(int fd) {
  char text[100];
  users[fd].is_there = 0;
  close(fd);
  if (users[fd].name[0] == '\0') return;
  snprintf(text, sizeof text, "%s disconnected\n", users[fd].name);
  broadcast(text);
}

/* What has no newline yet is the beginning of a line; a longer one than there is room for is cut. */
static void receive(int fd) {
  char data[1024];
  ssize_t length = recv(fd, data, sizeof data, 0);
  if (length <= 0) leave(fd);
  for (ssize_t i = 0; i < length; i++) {
    if (data[i] == '\n') {
      users[fd].line[users[fd].length] = '\0';
      users[fd].length = 0;
      hear(fd, users[fd].line);
    } else if (users[fd].length < sizeof users[fd].line - 1) {
      users[fd].line[users[fd].length++] = data[i];
    }
  }
}

static void welcome(int listener) {
  int fd = accept(listener, NULL, NULL);
  if (fd < 0) return;
  if (fd >= FD_SETSIZE) { /* no fd_set has room for it */
    close(fd);
    return;
  }
  memset(&users[fd], 0, sizeof users[fd]);
  users[fd].is_there = 1;
  send(fd, WELCOME, strlen(WELCOME), 0);
}

static int listen_on(int port) {
  int listener = socket(AF_INET, SOCK_STREAM, 0), yes = 1;
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
  socklen_t length = sizeof address;
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  if (bind(listener, (struct sockaddr *)&address, length) < 0 || listen(listener, 128) < 0) {
    fprintf(stderr, "port %d: ", port);
    perror(NULL);
    exit(1);
  }
  getsockname(listener, (struct sockaddr *)&address, &length);
  printf("Listening on :%d\n", ntohs(address.sin_port));
  fflush(stdout);
  return listener;
}

int main(int argc, char **argv) {
  if (argc != 2) {
    fprintf(stderr, "usage: %s port\n", argv[0]);
    return 2;
  }
  signal(SIGPIPE, SIG_IGN); /* a user who has gone does not end the server */
  int listener = listen_on(atoi(argv[1]));
  for (;;) {
    fd_set readable;
    FD_ZERO(&readable);
    FD_SET(listener, &readable);
    for (int fd = 0; fd < FD_SETSIZE; fd++)
      if (users[fd].is_there) FD_SET(fd, &readable);
    if (select(FD_SETSIZE, &readable, NULL, NULL, NULL) < 0) {
      perror("select");
      return 1;
    }
    for (int fd = 0; fd < FD_SETSIZE; fd++) {
      if (!FD_ISSET(fd, &readable)) continue;
      if (fd == listener) welcome(listener);
      else receive(fd);
    }
  }
}
