// The calls that any descriptor takes: read(2), write(2), close(2), fcntl(2), ioctl(2), pipe(2); a
// pseudo-terminal; strerror(3) and _exit(2), for what failed; and prctl(2), for what is left
// behind.

#include <fcntl.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#ifdef __linux__
#include <sys/prctl.h>
#endif
#include <unistd.h>

#include <system_error>

#include "addon.h"

namespace {

#ifdef __linux__
int OpenPipe(int fds[2]) { return pipe2(fds, O_CLOEXEC); }
#else
int OpenPipe(int fds[2]) {
  int result = pipe(fds);
  if (result == 0) fcntl(fds[0], F_SETFD, FD_CLOEXEC), fcntl(fds[1], F_SETFD, FD_CLOEXEC);
  return result;
}
#endif

// read(fd, buffer): the number of bytes put at the buffer's start.
Napi::Value Read(const Napi::CallbackInfo& info) {
  Args args(info);
  int fd = args.Int(0, "fd");
  Memory<uint8_t> buffer = args.Bytes(1, "buffer");
  return args.Call([&] { return read(fd, buffer.data, buffer.length); });
}

// write(fd, data): the number of bytes taken.
Napi::Value Write(const Napi::CallbackInfo& info) {
  Args args(info);
  int fd = args.Int(0, "fd");
  Memory<uint8_t> data = args.Bytes(1, "data");
  return args.Call([&] { return write(fd, data.data, data.length); });
}

// close(fd)
Napi::Value Close(const Napi::CallbackInfo& info) {
  Args args(info);
  int fd = args.Int(0, "fd");
  return args.Call([&] { return close(fd); });
}

// fcntl(fd, command, value)
Napi::Value Fcntl(const Napi::CallbackInfo& info) {
  Args args(info);
  int fd = args.Int(0, "fd");
  int command = args.Int(1, "command");
  int value = args.Int(2, "value");
  return args.Call([&] { return fcntl(fd, command, value); });
}

// fionread(fd): the number of bytes that a read would find, without reading them.
Napi::Value Fionread(const Napi::CallbackInfo& info) {
  Args args(info);
  int fd = args.Int(0, "fd");
  return args.Call([&] {
    int count = 0;
    return ioctl(fd, FIONREAD, &count) < 0 ? -1 : count;
  });
}

// pipe(): [fd to read from, fd to write to].
Napi::Value Pipe(const Napi::CallbackInfo& info) {
  int fds[2];
  if (OpenPipe(fds) < 0) return Answer(info.Env(), -1);
  Napi::Array pair = Napi::Array::New(info.Env(), 2);
  pair.Set(0u, fds[0]);
  pair.Set(1u, fds[1]);
  return pair;
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
  fcntl(screen, F_SETFD, FD_CLOEXEC);
  Napi::Array pair = Napi::Array::New(info.Env(), 2);
  pair.Set(0u, screen);
  pair.Set(1u, terminal);
  return pair;
}

// strerror(errno): the system's text for a positive error number.
Napi::Value StrError(const Napi::CallbackInfo& info) {
  Args args(info);
  int number = args.Int(0, "errno");
  if (args.bad()) return args.env().Undefined();
  // strerror(3) through the C++ library, which is safe among threads.
  return Napi::String::New(args.env(), std::generic_category().message(number));
}

// _exit(status): ends the process at once, threads blocked in system calls included.
Napi::Value Exit(const Napi::CallbackInfo& info) {
  Args args(info);
  int status = args.Int(0, "status");
  if (args.bad()) return args.env().Undefined();
  _exit(status);
}

#ifdef __linux__
// adoptOrphans(): what a descendant of this process leaves behind becomes its child, not init's.
Napi::Value AdoptOrphans(const Napi::CallbackInfo& info) {
  return Answer(info.Env(), prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0));
}
#endif

}  // namespace

void ExportFd(Napi::Env env, Napi::Object exports) {
  Export<Read>(env, exports, "read");
  Export<Write>(env, exports, "write");
  Export<Close>(env, exports, "close");
  Export<Fcntl>(env, exports, "fcntl");
  Export<Fionread>(env, exports, "fionread");
  Export<Pipe>(env, exports, "pipe");
  Export<OpenPty>(env, exports, "openpty");
  Export<StrError>(env, exports, "strerror");
  Export<Exit>(env, exports, "_exit");
#ifdef __linux__
  Export<AdoptOrphans>(env, exports, "adoptOrphans");
#endif
}
