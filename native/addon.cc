// The addon, in one unit of compilation: of the second that each of these files would take alone, nearly all goes into
// node-addon-api's templates, which are made once here.

#include "constants.cc"
#include "epoll.cc"
#include "fd.cc"
#include "kqueue.cc"
#include "message.cc"
#include "poll.cc"
#include "process.cc"
#include "recorded.cc"
#include "select.cc"
#include "sockaddr.cc"
#include "socket.cc"

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
