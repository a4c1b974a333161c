// select(2), twice: on lists of descriptors, and on fd_sets that JavaScript holds.

// macOS: binds select to the variant whose nfds may pass FD_SETSIZE (man 2 select).
#define _DARWIN_UNLIMITED_SELECT 1

#include <fcntl.h>
#include <sys/select.h>

#include <algorithm>
#include <atomic>

#include "args.h"
#include "platform.h"

namespace {

// A descriptor of a list. Another thread may write to shared memory meanwhile: what is read is
// checked, and is read once only.
int ReadFd(const int32_t* fd) { return __atomic_load_n(fd, __ATOMIC_RELAXED); }

// A list of descriptors, an Int32Array that ends with its first negative number; and as a set.
struct List {
  int32_t* fds = nullptr;
  size_t length = 0;
  int highest = -1;
  fd_set set;

  fd_set* get() { return length == 0 ? nullptr : &set; }
};

void ReadList(Args& args, size_t i, const char* name, List& list) {
  Memory<int32_t> memory = args.IntsOrNull(i, name);
  if (memory.length == 0) return;
  list.fds = memory.data;
  FD_ZERO(&list.set);
  for (; list.length < memory.length; list.length++) {
    int fd = ReadFd(list.fds + list.length);
    if (fd < 0) break;
    if (fd >= FD_SETSIZE) return args.ThrowRange("filedescriptor out of range in select()");
    FD_SET(fd, &list.set);
    list.highest = std::max(list.highest, fd);
  }
}

// Keeps those that are ready, in their order, and ends the list with -1 if it got shorter.
void KeepReady(const List& list) {
  size_t kept = 0;
  for (size_t i = 0; i < list.length; i++) {
    int fd = ReadFd(list.fds + i);
    if (fd >= 0 && fd < FD_SETSIZE && FD_ISSET(fd, &list.set)) list.fds[kept++] = fd;
  }
  if (kept < list.length) list.fds[kept] = -1;
}

// The kernel looks no further than the process's table of descriptors, and ignores closed ones
// beyond it: a wait for those would never end. The table has some places from the beginning, never
// shrinks, and reaches over each descriptor that has been open. Like the table, this is the
// process's, not a thread's.
std::atomic<int> table_end = kFirstTableEnd;

// Whether a descriptor is open, and so within the table.
bool ReachesTable(int fd) {
  if (fcntl(fd, F_GETFD) < 0) return false;
  table_end = fd;  // another thread may have set it higher: then it is asked once more
  return true;
}

// select(rlist, wlist, xlist, timeout): waits until a descriptor of the lists is ready, at most
// `timeout` seconds (null: for ever). Leaves the ready ones in the lists and returns their number.
// What is missing is null.
Napi::Value Select(const Napi::CallbackInfo& info) {
  Args args(info);
  List r, w, x;
  ReadList(args, 0, "rlist", r);
  ReadList(args, 1, "wlist", w);
  ReadList(args, 2, "xlist", x);
  Timeout timeout = args.Seconds(3, "timeout");
  int highest = std::max({r.highest, w.highest, x.highest});
  return args.Call([&] {
    if (highest > table_end && !ReachesTable(highest)) return -1;
    int ready = select(highest + 1, r.get(), w.get(), x.get(), timeout.get());
    if (ready >= 0) {
      KeepReady(r);
      KeepReady(w);
      KeepReady(x);
    }
    return ready;
  });
}

// The memory of an FdSet, which must reach as far as the kernel will look: whole longs up to nfds.
fd_set* ReadFdSet(Args& args, size_t i, const char* name, int nfds) {
  Memory<int32_t> words = args.IntsOrNull(i, name);
  if (words.is_null) return nullptr;
  constexpr size_t kBitsPerLong = 8 * sizeof(long);
  size_t longs = (static_cast<size_t>(std::max(nfds, 0)) + kBitsPerLong - 1) / kBitsPerLong;
  if (!args.bad() && words.length * sizeof(int32_t) < longs * sizeof(long)) {
    args.Throw(name, "large enough for nfds");
  }
  return reinterpret_cast<fd_set*>(words.data);
}

// selectFdSets(nfds, readfds, writefds, exceptfds, timeval): the call as C has it. The kernel reads
// and overwrites the sets in place, and on Linux leaves the time left in timeval, a Float64Array of
// tv_sec and tv_usec.
Napi::Value SelectFdSets(const Napi::CallbackInfo& info) {
  Args args(info);
  int nfds = args.Int(0, "nfds");
  fd_set* readfds = ReadFdSet(args, 1, "readfds", nfds);
  fd_set* writefds = ReadFdSet(args, 2, "writefds", nfds);
  fd_set* exceptfds = ReadFdSet(args, 3, "exceptfds", nfds);
  Memory<double> timeval = args.DoublesOrNull(4, "timeout");
  Timeout timeout;
  if (timeval.length == 2) {
    timeout = args.Timeval(timeval.data[0], timeval.data[1], "timeout");
  } else if (!timeval.is_null) {
    args.Throw("timeout", "two numbers: tv_sec and tv_usec");
  }
  Napi::Value answer =
      args.Call([&] { return select(nfds, readfds, writefds, exceptfds, timeout.get()); });
  if (!args.bad() && !timeout.forever) {
    timeval.data[0] = static_cast<double>(timeout.tv.tv_sec);
    timeval.data[1] = static_cast<double>(timeout.tv.tv_usec);
  }
  return answer;
}

}  // namespace

void ExportSelect(Napi::Env env, Napi::Object exports) {
  Export<Select>(env, exports, "select");
  Export<SelectFdSets>(env, exports, "selectFdSets");
}
