// select(2), twice: on lists of descriptors, and on fd_sets that JavaScript holds.

// macOS: binds select to the variant whose nfds may pass FD_SETSIZE (man 2 select).
#define _DARWIN_UNLIMITED_SELECT 1

#include <fcntl.h>
#include <sys/select.h>

#include <algorithm>
#include <atomic>
#include <cmath>

#include "addon.h"

namespace {

// A list of descriptors: an Int32Array that ends with its first negative number.
struct List {
  int32_t* fds = nullptr;
  size_t length = 0;
  int highest = -1;
};

List ReadList(Args& args, size_t i, const char* name) {
  List list;
  Memory<int32_t> memory = args.IntsOrNull(i, name);
  list.fds = memory.data;
  while (list.length < memory.length && list.fds[list.length] >= 0) {
    list.highest = std::max(list.highest, list.fds[list.length++]);
  }
  return list;
}

void Fill(fd_set* set, const List& list) {
  FD_ZERO(set);
  for (size_t i = 0; i < list.length; i++) FD_SET(list.fds[i], set);
}

// Keeps those that are ready, in their order, and ends the list with -1 if it got shorter.
void KeepReady(const fd_set* set, const List& list) {
  size_t kept = 0;
  for (size_t i = 0; i < list.length; i++) {
    if (FD_ISSET(list.fds[i], set)) list.fds[kept++] = list.fds[i];
  }
  if (kept < list.length) list.fds[kept] = -1;
}

// Seconds as a timeval, rounded up: a wait is never shorter than asked for.
timeval Timeval(double seconds) {
  double whole = std::floor(seconds);
  double micros = std::ceil((seconds - whole) * 1e6);
  timeval tv;
  tv.tv_sec = static_cast<time_t>(whole) + (micros >= 1e6 ? 1 : 0);
  tv.tv_usec = static_cast<suseconds_t>(micros >= 1e6 ? 0 : micros);
  return tv;
}

// Linux looks no further than the process's table of descriptors, and ignores closed ones beyond
// it: a wait for those would never end. The table has 64 places at least, never shrinks, and
// reaches over each descriptor that has been open. Like the table, this is the process's, not a
// thread's.
std::atomic<int> table_end = 63;

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
  List rlist = ReadList(args, 0, "rlist");
  List wlist = ReadList(args, 1, "wlist");
  List xlist = ReadList(args, 2, "xlist");
  bool forever = args.IsNull(3);
  double seconds = forever ? 0 : args.Double(3, "timeout");
  if (args.bad()) return args.env().Undefined();

  int highest = std::max({rlist.highest, wlist.highest, xlist.highest});
  if (highest >= FD_SETSIZE) {
    Napi::RangeError::New(args.env(), "filedescriptor out of range in select()")
        .ThrowAsJavaScriptException();
    return args.env().Undefined();
  }

  if (highest > table_end && !ReachesTable(highest)) return Answer(args.env(), -1);

  fd_set readfds, writefds, exceptfds;
  if (rlist.length) Fill(&readfds, rlist);
  if (wlist.length) Fill(&writefds, wlist);
  if (xlist.length) Fill(&exceptfds, xlist);
  timeval tv = Timeval(seconds);

  int ready =
      select(highest + 1, rlist.length ? &readfds : nullptr, wlist.length ? &writefds : nullptr,
             xlist.length ? &exceptfds : nullptr, forever ? nullptr : &tv);
  if (ready >= 0) {
    KeepReady(&readfds, rlist);
    KeepReady(&writefds, wlist);
    KeepReady(&exceptfds, xlist);
  }
  return Answer(args.env(), ready);
}

// The memory of an FdSet, which must reach as far as the kernel will look: whole longs up to nfds.
fd_set* ReadFdSet(Args& args, size_t i, const char* name, int nfds) {
  Memory<int32_t> words = args.IntsOrNull(i, name);
  if (words.data == nullptr) return nullptr;
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
  Memory<double> timeout = args.DoublesOrNull(4, "timeout");
  if (!args.bad() && timeout.data != nullptr && timeout.length != 2) {
    args.Throw("timeout", "two numbers: tv_sec and tv_usec");
  }
  if (args.bad()) return args.env().Undefined();

  timeval tv;
  if (timeout.data != nullptr) {
    tv.tv_sec = static_cast<time_t>(timeout.data[0]);
    tv.tv_usec = static_cast<suseconds_t>(timeout.data[1]);
  }
  int ready = select(nfds, readfds, writefds, exceptfds, timeout.data ? &tv : nullptr);
  Napi::Value answer = Answer(args.env(), ready);
  if (timeout.data != nullptr) {
    timeout.data[0] = static_cast<double>(tv.tv_sec);
    timeout.data[1] = static_cast<double>(tv.tv_usec);
  }
  return answer;
}

}  // namespace

void ExportSelect(Napi::Env env, Napi::Object exports) {
  Export<Select>(env, exports, "select");
  Export<SelectFdSets>(env, exports, "selectFdSets");
}
