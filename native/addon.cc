// The export table: a row for each file of calls.
//
// The headers of Node-API take a second to compile, our files next to nothing: so this one
// includes the others, but for select.cc. Compiled together with all of them, select(2) is 2 to
// 4 % slower; and on macOS its file defines a macro before it reads the first header.

#include "args.h"
#include "constants.cc"
#include "epoll.cc"
#include "fd.cc"
#include "kqueue.cc"
#include "message.cc"
#include "poll.cc"
#include "process.cc"
#include "recorded.cc"
#include "sockaddr.cc"
#include "socket.cc"

// Each file defines Export<Row>, which puts its functions into the table.
#define FAMILIES(ROW) \
  ROW(Constants)      \
  ROW(Select)         \
  ROW(Poll)           \
  ROW(Epoll)          \
  ROW(Kqueue)         \
  ROW(Socket)         \
  ROW(Sockaddr)       \
  ROW(Message)        \
  ROW(Fd)             \
  ROW(Recorded)       \
  ROW(Process)

#define DECLARE(row) void Export##row(Napi::Env env, Napi::Object exports);
FAMILIES(DECLARE)

namespace {

Napi::Object Init(Napi::Env env, Napi::Object exports) {
#define EXPORT(row) Export##row(env, exports);
  FAMILIES(EXPORT)
  return exports;
}

}  // namespace

NODE_API_MODULE(posix_select, Init)
