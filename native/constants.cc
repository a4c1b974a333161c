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

#ifdef __APPLE__
// Python's names of kqueue's constants.
enum : int {
  KQ_FILTER_READ = static_cast<int>(EVFILT_READ),
  KQ_FILTER_WRITE = static_cast<int>(EVFILT_WRITE),
  KQ_FILTER_AIO = static_cast<int>(EVFILT_AIO),
  KQ_FILTER_VNODE = static_cast<int>(EVFILT_VNODE),
  KQ_FILTER_PROC = static_cast<int>(EVFILT_PROC),
  KQ_FILTER_SIGNAL = static_cast<int>(EVFILT_SIGNAL),
  KQ_FILTER_TIMER = static_cast<int>(EVFILT_TIMER),
  KQ_EV_ADD = static_cast<int>(EV_ADD),
  KQ_EV_DELETE = static_cast<int>(EV_DELETE),
  KQ_EV_ENABLE = static_cast<int>(EV_ENABLE),
  KQ_EV_DISABLE = static_cast<int>(EV_DISABLE),
  KQ_EV_ONESHOT = static_cast<int>(EV_ONESHOT),
  KQ_EV_CLEAR = static_cast<int>(EV_CLEAR),
  KQ_EV_EOF = static_cast<int>(EV_EOF),
  KQ_EV_ERROR = static_cast<int>(EV_ERROR),
  KQ_NOTE_LOWAT = static_cast<int>(NOTE_LOWAT),
  KQ_NOTE_DELETE = static_cast<int>(NOTE_DELETE),
  KQ_NOTE_WRITE = static_cast<int>(NOTE_WRITE),
  KQ_NOTE_EXTEND = static_cast<int>(NOTE_EXTEND),
  KQ_NOTE_ATTRIB = static_cast<int>(NOTE_ATTRIB),
  KQ_NOTE_LINK = static_cast<int>(NOTE_LINK),
  KQ_NOTE_RENAME = static_cast<int>(NOTE_RENAME),
  KQ_NOTE_REVOKE = static_cast<int>(NOTE_REVOKE),
  KQ_NOTE_EXIT = static_cast<int>(NOTE_EXIT),
  KQ_NOTE_FORK = static_cast<int>(NOTE_FORK),
  KQ_NOTE_EXEC = static_cast<int>(NOTE_EXEC),
};
#endif

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
#elif defined(__APPLE__)
    CONSTANT(KQ_FILTER_READ),
    CONSTANT(KQ_FILTER_WRITE),
    CONSTANT(KQ_FILTER_AIO),
    CONSTANT(KQ_FILTER_VNODE),
    CONSTANT(KQ_FILTER_PROC),
    CONSTANT(KQ_FILTER_SIGNAL),
    CONSTANT(KQ_FILTER_TIMER),
    CONSTANT(KQ_EV_ADD),
    CONSTANT(KQ_EV_DELETE),
    CONSTANT(KQ_EV_ENABLE),
    CONSTANT(KQ_EV_DISABLE),
    CONSTANT(KQ_EV_ONESHOT),
    CONSTANT(KQ_EV_CLEAR),
    CONSTANT(KQ_EV_EOF),
    CONSTANT(KQ_EV_ERROR),
    CONSTANT(KQ_NOTE_LOWAT),
    CONSTANT(KQ_NOTE_DELETE),
    CONSTANT(KQ_NOTE_WRITE),
    CONSTANT(KQ_NOTE_EXTEND),
    CONSTANT(KQ_NOTE_ATTRIB),
    CONSTANT(KQ_NOTE_LINK),
    CONSTANT(KQ_NOTE_RENAME),
    CONSTANT(KQ_NOTE_REVOKE),
    CONSTANT(KQ_NOTE_EXIT),
    CONSTANT(KQ_NOTE_FORK),
    CONSTANT(KQ_NOTE_EXEC),
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
