// poll(2); and with it a wait for the one thing that select(2) cannot ask for alone: a hang-up.

#include <poll.h>

#include <thread>

#include "addon.h"

namespace {

// Waits for the hang-up on a thread of its own: libuv's pool may have one thread only, and others
// need it.
void WaitForHangUp(int fd, int cancel, Napi::ThreadSafeFunction resolve) {
  pollfd fds[] = {{fd, POLLHUP, 0},  // macOS looks at a descriptor only for the events it is given
                  {cancel, POLLIN, 0}};
  while (poll(fds, 2, -1) < 0 && errno == EINTR) continue;
  bool hungUp = (fds[0].revents & (POLLHUP | POLLERR)) != 0;
  resolve.BlockingCall([hungUp](Napi::Env env, Napi::Function function) {
    function.Call({Napi::Boolean::New(env, hungUp)});
  });
  resolve.Release();
}

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

// untilHangUp(fd, cancel, callback): calls back with true once the other end of fd is gone, with
// false once cancel is readable.
Napi::Value UntilHangUp(const Napi::CallbackInfo& info) {
  Args args(info);
  int fd = args.Int(0, "fd");
  int cancel = args.Int(1, "cancel");
  if (!args.bad() && !args.Value(2).IsFunction()) args.Throw("callback", "a function");
  if (!args.bad()) {
    auto callback = args.Value(2).As<Napi::Function>();
    auto resolve = Napi::ThreadSafeFunction::New(args.env(), callback, "hang-up", 0, 1);
    std::thread(WaitForHangUp, fd, cancel, resolve).detach();
  }
  return args.env().Undefined();
}

}  // namespace

void ExportPoll(Napi::Env env, Napi::Object exports) {
  Export<Poll>(env, exports, "poll");
  Export<UntilHangUp>(env, exports, "untilHangUp");
}
