// kqueue(2), macOS's and BSD's: the kernel keeps the set of descriptors between the calls.

#include "args.h"

#ifdef __APPLE__

#include <sys/event.h>

#include <algorithm>
#include <limits>
#include <vector>

#include "platform.h"

namespace {

// kevent(2) refuses longer waits: the caller waits again.
constexpr time_t kMaxSeconds = INT32_MAX;

// kqueue(): a descriptor, close-on-exec.
Napi::Value Kqueue(const Napi::CallbackInfo& info) {
  int kq = kqueue();
  if (kq >= 0) SetCloexec(kq);
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
  Timeout timeout = args.Seconds(2, "timeout");
  return args.Call([&] {
    timespec ts{timeout.tv.tv_sec, timeout.tv.tv_usec * 1000};
    ts.tv_sec = std::min(ts.tv_sec, kMaxSeconds);
    std::vector<struct kevent> events(std::min<size_t>(ready.length / 2, INT_MAX));
    int max_events = static_cast<int>(events.size());
    int count = kevent(kq, nullptr, 0, events.data(), max_events, timeout.forever ? nullptr : &ts);
    for (int i = 0; i < count; i++) {
      ready.data[2 * i] = static_cast<int32_t>(events[i].ident);
      ready.data[2 * i + 1] = events[i].filter;
    }
    return count;
  });
}

// A kevent in the memory of JavaScript, which another thread may change meanwhile: its numbers.
constexpr size_t kNumbers = 6;

// The number as T; 0 for one that T cannot hold.
template <typename T>
T Whole(double value) {
  bool fits = value >= static_cast<double>(std::numeric_limits<T>::min()) &&
              value < static_cast<double>(std::numeric_limits<T>::max());
  return fits ? static_cast<T>(value) : 0;
}

// kevent(kq, changes, ready, timeout): makes the changes, then waits at most `timeout` seconds
// (null: for ever). Leaves the events in `ready` and returns their number.
Napi::Value Kevent(const Napi::CallbackInfo& info) {
  Args args(info);
  int kq = args.Int(0, "kq");
  Timeout timeout = args.Seconds(3, "timeout");
  Memory<double> changes = args.DoublesOrNull(1, "changes");
  Memory<double> ready = args.DoublesOrNull(2, "ready");
  return args.Call([&] {
    timespec ts{std::min(timeout.tv.tv_sec, kMaxSeconds), timeout.tv.tv_usec * 1000};
    std::vector<struct kevent> wanted(changes.length / kNumbers);
    for (size_t i = 0; i < wanted.size(); i++) {
      const double* numbers = changes.data + kNumbers * i;
      EV_SET(&wanted[i], Whole<uintptr_t>(numbers[0]), Whole<int16_t>(numbers[1]),
             Whole<uint16_t>(numbers[2]), Whole<uint32_t>(numbers[3]), Whole<intptr_t>(numbers[4]),
             reinterpret_cast<void*>(Whole<intptr_t>(numbers[5])));
    }
    std::vector<struct kevent> events(std::min<size_t>(ready.length / kNumbers, INT_MAX));
    int count = kevent(kq, wanted.data(), static_cast<int>(wanted.size()), events.data(),
                       static_cast<int>(events.size()), timeout.forever ? nullptr : &ts);
    for (int i = 0; i < count; i++) {
      const struct kevent& event = events[i];
      double numbers[kNumbers] = {
          static_cast<double>(event.ident),
          static_cast<double>(event.filter),
          static_cast<double>(event.flags),
          static_cast<double>(event.fflags),
          static_cast<double>(event.data),
          static_cast<double>(reinterpret_cast<intptr_t>(event.udata)),
      };
      std::copy(numbers, numbers + kNumbers, ready.data + kNumbers * i);
    }
    return count;
  });
}

}  // namespace

void ExportKqueue(Napi::Env env, Napi::Object exports) {
  Export<Kqueue>(env, exports, "kqueue");
  Export<KeventChange>(env, exports, "kevent_change");
  Export<KeventWait>(env, exports, "kevent_wait");
  Export<Kevent>(env, exports, "kevent");
}

#else
void ExportKqueue(Napi::Env, Napi::Object) {}
#endif
