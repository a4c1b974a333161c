// What the platforms do otherwise, once. Linux makes a descriptor close-on-exec in the call that
// opens it and asks each send not to raise SIGPIPE; macOS sets both afterwards, on the descriptor.
#pragma once

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

inline void SetCloexec(int fd) { fcntl(fd, F_SETFD, FD_CLOEXEC); }

#ifdef __linux__

constexpr int kNoSignal = MSG_NOSIGNAL;
constexpr int kCmsgCloexec = MSG_CMSG_CLOEXEC;

// A process begins with places for descriptors up to this one: see native/select.cc.
constexpr int kFirstTableEnd = 63;

inline int OpenPipe(int fds[2]) { return pipe2(fds, O_CLOEXEC); }

inline int OpenSocket(int family, int type, int protocol) {
  return socket(family, type | SOCK_CLOEXEC, protocol);
}

inline int OpenSocketPair(int family, int type, int protocol, int fds[2]) {
  return socketpair(family, type | SOCK_CLOEXEC, protocol, fds);
}

inline int AcceptSocket(int fd, sockaddr* peer, socklen_t* length) {
  return accept4(fd, peer, length, SOCK_CLOEXEC);
}

#else

constexpr int kNoSignal = 0;
constexpr int kCmsgCloexec = 0;

// XNU: NDFILE descriptors, 0 to 24.
constexpr int kFirstTableEnd = 24;

inline int OpenPipe(int fds[2]) {
  int result = pipe(fds);
  if (result == 0) SetCloexec(fds[0]), SetCloexec(fds[1]);
  return result;
}

inline int PrepareSocket(int fd) {
  if (fd < 0) return fd;
  int on = 1;
  SetCloexec(fd);
  setsockopt(fd, SOL_SOCKET, SO_NOSIGPIPE, &on, sizeof(on));
  return fd;
}

inline int OpenSocket(int family, int type, int protocol) {
  return PrepareSocket(socket(family, type, protocol));
}

inline int OpenSocketPair(int family, int type, int protocol, int fds[2]) {
  int result = socketpair(family, type, protocol, fds);
  if (result == 0) PrepareSocket(fds[0]), PrepareSocket(fds[1]);
  return result;
}

inline int AcceptSocket(int fd, sockaddr* peer, socklen_t* length) {
  int conn = PrepareSocket(accept(fd, peer, length));
  // BSD hands the listener's O_NONBLOCK on; Linux and Python do not.
  if (conn >= 0) fcntl(conn, F_SETFL, fcntl(conn, F_GETFL) & ~O_NONBLOCK);
  return conn;
}

#endif
