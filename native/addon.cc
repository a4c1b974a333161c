// The export table and the constants: nothing else.

#include "addon.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/select.h>
#include <sys/socket.h>

namespace {

struct Constant {
  const char* name;
  int value;
};

#define CONSTANT(name) {#name, name}

constexpr Constant kConstants[] = {
    CONSTANT(FD_SETSIZE),    CONSTANT(AF_UNSPEC),      CONSTANT(AF_INET),
    CONSTANT(AF_INET6),      CONSTANT(AF_UNIX),        CONSTANT(SOCK_STREAM),
    CONSTANT(SOCK_DGRAM),    CONSTANT(SOCK_SEQPACKET), CONSTANT(SOCK_RAW),
    CONSTANT(SOMAXCONN),     CONSTANT(SOL_SOCKET),     CONSTANT(SO_ACCEPTCONN),
    CONSTANT(SO_BROADCAST),  CONSTANT(SO_ERROR),       CONSTANT(SO_KEEPALIVE),
    CONSTANT(SO_LINGER),     CONSTANT(SO_OOBINLINE),   CONSTANT(SO_RCVBUF),
    CONSTANT(SO_RCVLOWAT),   CONSTANT(SO_RCVTIMEO),    CONSTANT(SO_REUSEADDR),
    CONSTANT(SO_REUSEPORT),  CONSTANT(SO_SNDBUF),      CONSTANT(SO_SNDLOWAT),
    CONSTANT(SO_SNDTIMEO),   CONSTANT(SO_TYPE),        CONSTANT(IPPROTO_IP),
    CONSTANT(IPPROTO_IPV6),  CONSTANT(IPPROTO_TCP),    CONSTANT(IPPROTO_UDP),
    CONSTANT(IPV6_V6ONLY),   CONSTANT(TCP_KEEPCNT),    CONSTANT(TCP_KEEPINTVL),
    CONSTANT(TCP_MAXSEG),    CONSTANT(TCP_NODELAY),    CONSTANT(SHUT_RD),
    CONSTANT(SHUT_WR),       CONSTANT(SHUT_RDWR),      CONSTANT(MSG_CTRUNC),
    CONSTANT(MSG_DONTROUTE), CONSTANT(MSG_DONTWAIT),   CONSTANT(MSG_EOR),
    CONSTANT(MSG_OOB),       CONSTANT(MSG_PEEK),       CONSTANT(MSG_TRUNC),
    CONSTANT(MSG_WAITALL),   CONSTANT(POLLIN),         CONSTANT(POLLOUT),
    CONSTANT(F_GETFD),       CONSTANT(F_GETFL),        CONSTANT(F_SETFL),
    CONSTANT(O_NONBLOCK),    CONSTANT(POLLPRI),        CONSTANT(POLLERR),
    CONSTANT(POLLHUP),       CONSTANT(POLLNVAL),       CONSTANT(O_APPEND),
#ifdef __linux__
    CONSTANT(MSG_NOSIGNAL),  CONSTANT(POLLRDHUP),
#endif
};

Napi::Object Init(Napi::Env env, Napi::Object exports) {
  Napi::Object constants = Napi::Object::New(env);
  for (const Constant& constant : kConstants) constants.Set(constant.name, constant.value);
  exports.Set("constants", constants);

  ExportSelect(env, exports);
  ExportPoll(env, exports);
  ExportEpoll(env, exports);
  ExportKqueue(env, exports);
  ExportFd(env, exports);
  ExportSocket(env, exports);
  ExportSockaddr(env, exports);
  return exports;
}

}  // namespace

NODE_API_MODULE(posix_select, Init)
