// The addon: all its files but select.cc in one unit of compilation, as the headers of Node-API
// take a second to compile and our files next to nothing. select.cc is a unit of its own: together
// with the others select() is 2 to 4 % slower, and on macOS its file must define a macro before
// any header is read.

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

void ExportSelect(Napi::Env env, Napi::Object exports);

namespace {

Napi::Object Init(Napi::Env env, Napi::Object exports) {
  ExportConstants(env, exports);
  ExportSelect(env, exports);
  ExportPoll(env, exports);
  ExportEpoll(env, exports);
  ExportKqueue(env, exports);
  ExportSocket(env, exports);
  ExportSockaddr(env, exports);
  ExportMessage(env, exports);
  ExportFd(env, exports);
  ExportRecorded(env, exports);
  ExportProcess(env, exports);
  return exports;
}

}  // namespace

NODE_API_MODULE(posix_select, Init)
