// The platform's values, from its own headers: the only list of them. TypeScript's list,
// src/posix/*-constants.ts, is written from this one (see test/core/constants.test.ts).

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/select.h>
#include <sys/socket.h>

#if defined(__linux__)
#include <sys/epoll.h>
#elif defined(__APPLE__)
#include <sys/event.h>
#endif

#include "args.h"

namespace {

struct Constant {
  const char* name;
  int value;
};

#define CONSTANT(name) {#name, static_cast<int>(name)}

constexpr Constant kConstants[] = {
    // socket: what Python's socket module has
    CONSTANT(AF_UNSPEC),
    CONSTANT(AF_INET),
    CONSTANT(AF_INET6),
    CONSTANT(AF_UNIX),
    CONSTANT(SOCK_STREAM),
    CONSTANT(SOCK_DGRAM),
    CONSTANT(SOCK_SEQPACKET),
    CONSTANT(SOCK_RAW),
    CONSTANT(SOMAXCONN),
    CONSTANT(SOL_SOCKET),
    CONSTANT(SO_ACCEPTCONN),
    CONSTANT(SO_BROADCAST),
    CONSTANT(SO_ERROR),
    CONSTANT(SO_KEEPALIVE),
    CONSTANT(SO_LINGER),
    CONSTANT(SO_OOBINLINE),
    CONSTANT(SO_RCVBUF),
    CONSTANT(SO_RCVLOWAT),
    CONSTANT(SO_RCVTIMEO),
    CONSTANT(SO_REUSEADDR),
    CONSTANT(SO_REUSEPORT),
    CONSTANT(SO_SNDBUF),
    CONSTANT(SO_SNDLOWAT),
    CONSTANT(SO_SNDTIMEO),
    CONSTANT(SO_TYPE),
    CONSTANT(IPPROTO_IP),
    CONSTANT(IPPROTO_IPV6),
    CONSTANT(IPPROTO_TCP),
    CONSTANT(IPPROTO_UDP),
    CONSTANT(IPV6_V6ONLY),
    CONSTANT(TCP_KEEPCNT),
    CONSTANT(TCP_KEEPINTVL),
    CONSTANT(TCP_MAXSEG),
    CONSTANT(TCP_NODELAY),
    CONSTANT(SHUT_RD),
    CONSTANT(SHUT_WR),
    CONSTANT(SHUT_RDWR),
    CONSTANT(MSG_CTRUNC),
    CONSTANT(MSG_DONTROUTE),
    CONSTANT(MSG_DONTWAIT),
    CONSTANT(MSG_EOR),
    CONSTANT(MSG_OOB),
    CONSTANT(MSG_PEEK),
    CONSTANT(MSG_TRUNC),
    CONSTANT(MSG_WAITALL),
#ifdef MSG_NOSIGNAL
    CONSTANT(MSG_NOSIGNAL),
#endif

    // select: what Python's select module has
    CONSTANT(FD_SETSIZE),
    CONSTANT(POLLIN),
    CONSTANT(POLLPRI),
    CONSTANT(POLLOUT),
    CONSTANT(POLLERR),
    CONSTANT(POLLHUP),
    CONSTANT(POLLNVAL),
#if defined(__linux__)
    CONSTANT(POLLRDHUP),
    CONSTANT(EPOLLIN),
    CONSTANT(EPOLLOUT),
    CONSTANT(EPOLL_CTL_ADD),
    CONSTANT(EPOLL_CTL_MOD),
    CONSTANT(EPOLL_CTL_DEL),
#elif defined(__APPLE__)
    CONSTANT(EVFILT_READ),
    CONSTANT(EVFILT_WRITE),
    CONSTANT(EV_ADD),
    CONSTANT(EV_DELETE),
#endif

    // fcntl: what fcntl(2) and open(2) take
    CONSTANT(F_GETFD),
    CONSTANT(F_GETFL),
    CONSTANT(F_SETFL),
    CONSTANT(O_APPEND),
    CONSTANT(O_NONBLOCK),
};

}  // namespace

void ExportConstants(Napi::Env env, Napi::Object exports) {
  Napi::Object constants = Napi::Object::New(env);
  for (const Constant& constant : kConstants) constants.Set(constant.name, constant.value);
  exports.Set("constants", constants);
}
