// poll(2); and with it a wait for the one thing that select(2) cannot ask for alone: a hang-up.

#include <poll.h>

#include "addon.h"

namespace {

// Waits off the JavaScript thread, in libuv's pool.
class HangUp : public Napi::AsyncWorker {
 public:
  HangUp(Napi::Env env, int fd, int cancel)
      : Napi::AsyncWorker(env), promise_(Napi::Promise::Deferred::New(env)) {
    fds_[0] = {fd, POLLHUP, 0};  // macOS looks at a descriptor only for the events it is given
    fds_[1] = {cancel, POLLIN, 0};
  }

  Napi::Promise promise() const { return promise_.Promise(); }

 protected:
  void Execute() override {
    while (poll(fds_, 2, -1) < 0 && errno == EINTR) continue;
  }

  void OnOK() override {
    promise_.Resolve(Napi::Boolean::New(Env(), (fds_[0].revents & (POLLHUP | POLLERR)) != 0));
  }

 private:
  Napi::Promise::Deferred promise_;
  pollfd fds_[2];
};

// poll(pollfds, nfds, timeout): waits at most `timeout` milliseconds, for ever below 0. pollfds is
// memory laid out as an array of struct pollfd: the kernel itself reads it and writes the revents.
Napi::Value Poll(const Napi::CallbackInfo& info) {
  static_assert(sizeof(pollfd) == 2 * sizeof(int32_t));
  Args args(info);
  Memory<int32_t> pollfds = args.Ints(0, "pollfds");
  int nfds = args.Int(1, "nfds");
  int timeout = args.Int(2, "timeout");
  if (nfds < 0 || pollfds.length < 2 * static_cast<size_t>(nfds)) {
    args.Throw("nfds", "at most what pollfds holds");
  }
  return args.Call([&] {
    return poll(reinterpret_cast<pollfd*>(pollfds.data), static_cast<nfds_t>(nfds), timeout);
  });
}

// untilHangUp(fd, cancel): a promise of true once the other end of fd is gone, or of false once
// cancel is readable.
Napi::Value UntilHangUp(const Napi::CallbackInfo& info) {
  Args args(info);
  int fd = args.Int(0, "fd");
  int cancel = args.Int(1, "cancel");
  if (args.bad()) return args.env().Undefined();
  auto* worker = new HangUp(args.env(), fd, cancel);
  worker->Queue();
  return worker->promise();
}

}  // namespace

void ExportPoll(Napi::Env env, Napi::Object exports) {
  Export<Poll>(env, exports, "poll");
  Export<UntilHangUp>(env, exports, "untilHangUp");
}
