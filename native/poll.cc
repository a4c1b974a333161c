// poll(2): waits for descriptors that an array names.

#include <poll.h>
#include <sys/ioctl.h>

#include "args.h"

namespace {

// Memory laid out as an array of struct pollfd: the kernel itself reads it and writes the revents.
struct Pollfds {
  pollfd* data;
  int nfds;
};

Pollfds ReadPollfds(Args& args) {
  static_assert(sizeof(pollfd) == 2 * sizeof(int32_t));
  Memory<int32_t> pollfds = args.Ints(0, "pollfds");
  int nfds = args.Int(1, "nfds");
  if (nfds < 0 || pollfds.length < 2 * static_cast<size_t>(nfds)) {
    args.Throw("nfds", "at most what pollfds holds");
  }
  return {reinterpret_cast<pollfd*>(pollfds.data), nfds};
}

// poll(pollfds, nfds, timeout): waits at most `timeout` milliseconds, for ever below 0.
Napi::Value Poll(const Napi::CallbackInfo& info) {
  Args args(info);
  auto [pollfds, nfds] = ReadPollfds(args);
  int timeout = args.Int(2, "timeout");
  return args.Call([pollfds = pollfds, nfds = nfds, timeout] {
    return poll(pollfds, static_cast<nfds_t>(nfds), timeout);
  });
}

// pollUnread(pollfds, nfds, unread): poll(2) without a wait; and how many bytes a read of each
// descriptor would find, negative where it has no such number. One call for both: this is done
// after each wait that is recorded.
Napi::Value PollUnread(const Napi::CallbackInfo& info) {
  Args args(info);
  auto [pollfds, nfds] = ReadPollfds(args);
  Memory<int32_t> unread = args.Ints(2, "unread");
  if (nfds > 0 && unread.length < static_cast<size_t>(nfds)) args.Throw("unread", "nfds numbers");
  return args.Call([pollfds = pollfds, nfds = nfds, unread] {
    for (int i = 0; i < nfds; i++) {
      if (ioctl(pollfds[i].fd, FIONREAD, unread.data + i) < 0) unread.data[i] = -1;
    }
    return poll(pollfds, static_cast<nfds_t>(nfds), 0);
  });
}

}  // namespace

void ExportPoll(Napi::Env env, Napi::Object exports) {
  Export<Poll>(env, exports, "poll");
  Export<PollUnread>(env, exports, "pollUnread");
}
