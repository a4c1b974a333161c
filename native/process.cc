// What the tools need beside descriptors: _exit(2), strerror(3), a pseudo-terminal, prctl(2), and a
// wait for the one thing that select(2) cannot ask for alone: a hang-up.

#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#include <cstring>
#include <memory>
#include <thread>

#ifdef __linux__
#include <sys/prctl.h>
#endif
#include <sys/wait.h>

#include "args.h"
#include "platform.h"

namespace {

// _exit(status): ends the process at once, threads blocked in system calls included.
Napi::Value Exit(const Napi::CallbackInfo& info) {
  Args args(info);
  int status = args.Int(0, "status");
  if (args.bad()) return args.env().Undefined();
  _exit(status);
}

// strerror_r(3), which is safe among threads, is of two kinds: glibc's returns the text, POSIX's
// leaves it in the buffer.
[[maybe_unused]] const char* TextOf(const char* text, const char*) { return text; }
[[maybe_unused]] const char* TextOf(int, const char* buffer) { return buffer; }

// strerror(errno): the system's text for a positive error number.
Napi::Value StrError(const Napi::CallbackInfo& info) {
  Args args(info);
  int number = args.Int(0, "errno");
  if (args.bad()) return args.env().Undefined();
  char buffer[256];
  return Napi::String::New(args.env(), TextOf(strerror_r(number, buffer, sizeof buffer), buffer));
}

// openpty(): [fd that sees the screen, fd of the terminal itself].
Napi::Value OpenPty(const Napi::CallbackInfo& info) {
  char name[128];
  int screen = posix_openpt(O_RDWR | O_NOCTTY), terminal = -1;
  if (screen >= 0 && grantpt(screen) == 0 && unlockpt(screen) == 0 &&
      ptsname_r(screen, name, sizeof name) == 0)
    terminal = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
  if (terminal < 0) {
    Napi::Value failure = Answer(info.Env(), -1);
    if (screen >= 0) close(screen);
    return failure;
  }
  SetCloexec(screen);
  return Pair(info.Env(), screen, terminal);
}

// A thread that waits for the hang-up: libuv's pool may have one thread only, and others need it.
struct HangUp {
  int fd, cancel;
  int stop[2];  // its write end is closed when the environment ends before the wait
  Napi::ThreadSafeFunction resolve;
  std::thread thread;

  void Wait() {
    pollfd fds[] = {
        {fd, POLLHUP, 0},  // macOS looks at a descriptor only for the events it is given
        {cancel, POLLIN, 0},
        {stop[0], POLLIN, 0}};
    while (poll(fds, 3, -1) < 0 && errno == EINTR) continue;
    bool is_hung_up = (fds[0].revents & (POLLHUP | POLLERR)) != 0;
    if (fds[2].revents == 0) {
      resolve.BlockingCall([is_hung_up](Napi::Env env, Napi::Function function) {
        function.Call({Napi::Boolean::New(env, is_hung_up)});
      });
    }
    resolve.Release();
  }
};

// Runs before the environment takes the function away that the thread would call.
void EndHangUp(HangUp* hang_up) {
  close(hang_up->stop[1]);
  hang_up->thread.join();
  close(hang_up->stop[0]);
  delete hang_up;
}

// untilHangUp(fd, cancel, callback): calls back with true once the other end of fd is gone, with
// false once cancel is readable.
Napi::Value UntilHangUp(const Napi::CallbackInfo& info) {
  Args args(info);
  int fd = args.Int(0, "fd");
  int cancel = args.Int(1, "cancel");
  if (!args.bad() && !args.Value(2).IsFunction()) args.Throw("callback", "a function");
  if (args.bad()) return args.env().Undefined();
  auto hang_up = std::make_unique<HangUp>();
  hang_up->fd = fd;
  hang_up->cancel = cancel;
  if (OpenPipe(hang_up->stop) < 0) return Answer(args.env(), -1);
  auto callback = args.Value(2).As<Napi::Function>();
  hang_up->resolve = Napi::ThreadSafeFunction::New(args.env(), callback, "hang-up", 0, 1);
  args.env().AddCleanupHook(EndHangUp, hang_up.get());
  hang_up->thread = std::thread(&HangUp::Wait, hang_up.get());
  hang_up.release();
  return Answer(args.env(), 0);
}

#ifdef __linux__
// adoptOrphans(): what a descendant of this process leaves behind becomes its child, not init's.
Napi::Value AdoptOrphans(const Napi::CallbackInfo& info) {
  return Answer(info.Env(), prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0));
}

// reap(pid): takes a child that has ended off the process table, without waiting; 0 if it has not
// ended.
Napi::Value Reap(const Napi::CallbackInfo& info) {
  Args args(info);
  int pid = args.Int(0, "pid");
  if (args.bad()) return args.env().Undefined();
  return Answer(args.env(), waitpid(pid, nullptr, WNOHANG));
}
#endif

}  // namespace

void ExportProcess(Napi::Env env, Napi::Object exports) {
  Export<Exit>(env, exports, "_exit");
  Export<StrError>(env, exports, "strerror");
  Export<OpenPty>(env, exports, "openpty");
  Export<UntilHangUp>(env, exports, "untilHangUp");
#ifdef __linux__
  Export<AdoptOrphans>(env, exports, "adoptOrphans");
  Export<Reap>(env, exports, "reap");
#endif
}
