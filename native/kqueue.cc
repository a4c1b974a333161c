// kqueue(2), macOS's and BSD's: the kernel keeps the set of descriptors between the calls.

#include "addon.h"

#ifdef __APPLE__

#include <fcntl.h>
#include <sys/event.h>

#include <algorithm>
#include <cmath>

namespace {

// Events of one wait; the rest come with the next.
constexpr int kMaxEvents = 512;

// kqueue(): a descriptor, close-on-exec.
Napi::Value Kqueue(const Napi::CallbackInfo& info) {
  int kq = kqueue();
  if (kq >= 0) fcntl(kq, F_SETFD, FD_CLOEXEC);
  return Answer(info.Env(), kq);
}

// kevent_change(kq, fd, filter, flags): adds or deletes the fd's filter.
Napi::Value KeventChange(const Napi::CallbackInfo& info) {
  Args args(info);
  int kq = args.Int(0, "kq");
  int fd = args.Int(1, "fd");
  int filter = args.Int(2, "filter");
  int flags = args.Int(3, "flags");
  struct kevent change;
  EV_SET(&change, static_cast<uintptr_t>(fd), static_cast<int16_t>(filter),
         static_cast<uint16_t>(flags), 0, 0, nullptr);
  return args.Call([&] { return kevent(kq, &change, 1, nullptr, 0, nullptr); });
}

// kevent_wait(kq, ready, timeout): waits at most `timeout` seconds (null: for ever). Leaves the
// ready ones in an Int32Array, fd and filter in turn, and returns their number.
Napi::Value KeventWait(const Napi::CallbackInfo& info) {
  Args args(info);
  int kq = args.Int(0, "kq");
  Memory<int32_t> ready = args.Ints(1, "ready");
  bool forever = args.IsNull(2);
  double seconds = forever ? 0 : args.Double(2, "timeout");
  return args.Call([&] {
    timespec timeout;
    timeout.tv_sec = static_cast<time_t>(std::floor(seconds));
    timeout.tv_nsec = static_cast<long>((seconds - std::floor(seconds)) * 1e9);
    struct kevent events[kMaxEvents];
    int most = static_cast<int>(std::min<size_t>(ready.length / 2, kMaxEvents));
    int count = kevent(kq, nullptr, 0, events, most, forever ? nullptr : &timeout);
    for (int i = 0; i < count; i++) {
      ready.data[2 * i] = static_cast<int32_t>(events[i].ident);
      ready.data[2 * i + 1] = events[i].filter;
    }
    return count;
  });
}

}  // namespace

void ExportKqueue(Napi::Env env, Napi::Object exports) {
  Export<Kqueue>(env, exports, "kqueue");
  Export<KeventChange>(env, exports, "kevent_change");
  Export<KeventWait>(env, exports, "kevent_wait");

  Napi::Object constants = exports.Get("constants").As<Napi::Object>();
  constants.Set("EVFILT_READ", EVFILT_READ);
  constants.Set("EVFILT_WRITE", EVFILT_WRITE);
  constants.Set("EV_ADD", EV_ADD);
  constants.Set("EV_DELETE", EV_DELETE);
}

#else
void ExportKqueue(Napi::Env, Napi::Object) {}
#endif
