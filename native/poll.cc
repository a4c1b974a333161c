// poll(2): waits for descriptors that an array names.

#include <poll.h>

#include "args.h"

namespace {

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

}  // namespace

void ExportPoll(Napi::Env env, Napi::Object exports) { Export<Poll>(env, exports, "poll"); }
