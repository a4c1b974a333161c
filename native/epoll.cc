// epoll(7), Linux's: the kernel keeps the set of descriptors between the calls.

#include "args.h"

#ifdef __linux__

#include <sys/epoll.h>

#include <algorithm>
#include <vector>

namespace {

// Up to here the events of a wait are on the stack.
constexpr size_t kStackEvents = 512;

// epoll_create(): a descriptor, close-on-exec.
Napi::Value EpollCreate(const Napi::CallbackInfo& info) {
  return Answer(info.Env(), epoll_create1(EPOLL_CLOEXEC));
}

// epoll_ctl(epfd, operation, fd, events)
Napi::Value EpollCtl(const Napi::CallbackInfo& info) {
  Args args(info);
  int epfd = args.Int(0, "epfd");
  int operation = args.Int(1, "operation");
  int fd = args.Int(2, "fd");
  epoll_event event{};
  event.events = static_cast<uint32_t>(args.Int(3, "events"));
  event.data.fd = fd;
  return args.Call([&] { return epoll_ctl(epfd, operation, fd, &event); });
}

// epoll_wait(epfd, ready, timeout): waits at most `timeout` milliseconds, for ever below 0. Leaves
// the ready ones in an Int32Array, fd and events in turn, and returns their number.
Napi::Value EpollWait(const Napi::CallbackInfo& info) {
  Args args(info);
  int epfd = args.Int(0, "epfd");
  Memory<int32_t> ready = args.Ints(1, "ready");
  int timeout = args.Int(2, "timeout");
  return args.Call([&] {
    size_t max_events = std::min<size_t>(ready.length / 2, INT_MAX / sizeof(epoll_event));
    epoll_event on_stack[kStackEvents];
    std::vector<epoll_event> on_heap(max_events > kStackEvents ? max_events : 0);
    epoll_event* events = on_heap.empty() ? on_stack : on_heap.data();
    int count = epoll_wait(epfd, events, static_cast<int>(max_events), timeout);
    for (int i = 0; i < count; i++) {
      ready.data[2 * i] = events[i].data.fd;
      ready.data[2 * i + 1] = static_cast<int32_t>(events[i].events);
    }
    return count;
  });
}

}  // namespace

void ExportEpoll(Napi::Env env, Napi::Object exports) {
  Export<EpollCreate>(env, exports, "epoll_create");
  Export<EpollCtl>(env, exports, "epoll_ctl");
  Export<EpollWait>(env, exports, "epoll_wait");
}

#else
void ExportEpoll(Napi::Env, Napi::Object) {}
#endif
