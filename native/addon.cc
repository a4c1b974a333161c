// The export table: a row for each file of calls.

#include "args.h"

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
