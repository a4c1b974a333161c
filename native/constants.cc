// The platform's values, from its own headers: the only list of them. TypeScript's list,
// src/posix/*-constants.ts, is written from this one (see test/core/constants.test.ts).

#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/select.h>
#include <sys/socket.h>

#include <climits>

#if defined(__linux__)
#include <sys/epoll.h>
#elif defined(__APPLE__)
#include <sys/event.h>
#endif

#include "args.h"

namespace {

struct Constant {
  const char* name;
  double value;
};

#define CONSTANT(name) {#name, static_cast<double>(name)}

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
    CONSTANT(SCM_RIGHTS),
    CONSTANT(INADDR_ANY),
    CONSTANT(INADDR_BROADCAST),
    CONSTANT(INADDR_LOOPBACK),
    CONSTANT(IP_TTL),
    CONSTANT(IP_MULTICAST_IF),
    CONSTANT(IP_MULTICAST_TTL),
    CONSTANT(IP_MULTICAST_LOOP),
    CONSTANT(IP_ADD_MEMBERSHIP),
    CONSTANT(IP_DROP_MEMBERSHIP),
    CONSTANT(IPV6_UNICAST_HOPS),
    CONSTANT(IPV6_MULTICAST_IF),
    CONSTANT(IPV6_MULTICAST_HOPS),
    CONSTANT(IPV6_MULTICAST_LOOP),
    CONSTANT(IPV6_JOIN_GROUP),
    CONSTANT(IPV6_LEAVE_GROUP),
    CONSTANT(AI_PASSIVE),
    CONSTANT(AI_CANONNAME),
    CONSTANT(AI_NUMERICHOST),
    CONSTANT(AI_NUMERICSERV),
    CONSTANT(AI_V4MAPPED),
    CONSTANT(AI_ALL),
    CONSTANT(AI_ADDRCONFIG),
    CONSTANT(EAI_AGAIN),
    CONSTANT(EAI_BADFLAGS),
    CONSTANT(EAI_FAIL),
    CONSTANT(EAI_FAMILY),
    CONSTANT(EAI_MEMORY),
    CONSTANT(EAI_NONAME),
    CONSTANT(EAI_SERVICE),
    CONSTANT(EAI_SOCKTYPE),
#if defined(__linux__)
    CONSTANT(MSG_NOSIGNAL),
    CONSTANT(SO_DOMAIN),
    CONSTANT(SO_PROTOCOL),
    CONSTANT(TCP_KEEPIDLE),
#elif defined(__APPLE__)
    CONSTANT(TCP_KEEPALIVE),
#endif

    // select: what Python's select module has
    CONSTANT(PIPE_BUF),
    CONSTANT(POLLIN),
    CONSTANT(POLLPRI),
    CONSTANT(POLLOUT),
    CONSTANT(POLLERR),
    CONSTANT(POLLHUP),
    CONSTANT(POLLNVAL),
#if defined(__linux__)
    CONSTANT(POLLRDHUP),
    CONSTANT(EPOLLIN),
    CONSTANT(EPOLLPRI),
    CONSTANT(EPOLLOUT),
    CONSTANT(EPOLLERR),
    CONSTANT(EPOLLHUP),
    CONSTANT(EPOLLRDHUP),
    CONSTANT(EPOLLONESHOT),
    CONSTANT(EPOLLET),
    CONSTANT(EPOLLEXCLUSIVE),
#endif

    // call: what the calls take beside, and Python keeps to itself
    CONSTANT(FD_SETSIZE),
#if defined(__linux__)
    CONSTANT(EPOLL_CTL_ADD),
    CONSTANT(EPOLL_CTL_MOD),
    CONSTANT(EPOLL_CTL_DEL),
#elif defined(__APPLE__)
    CONSTANT(EVFILT_READ),
    CONSTANT(EVFILT_WRITE),
    CONSTANT(EV_ADD),
    CONSTANT(EV_DELETE),
#endif
    CONSTANT(F_DUPFD_CLOEXEC),
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
