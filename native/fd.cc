// The calls that any descriptor takes: read(2), write(2), close(2), fcntl(2), ioctl(2), dup2(2),
// pipe(2); isatty(3).

#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#ifdef __linux__
#include <linux/sockios.h>
#endif

#include <set>

#include "args.h"
#include "platform.h"

namespace {

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

// The commands that take an int. The others take a pointer, which a number is not.
bool TakesInt(int command) {
  return command == F_GETFD || command == F_SETFD || command == F_GETFL || command == F_SETFL ||
         command == F_DUPFD || command == F_DUPFD_CLOEXEC;
}

// fcntl(fd, command, value)
Napi::Value Fcntl(const Napi::CallbackInfo& info) {
  Args args(info);
  int fd = args.Int(0, "fd");
  int command = args.Int(1, "command");
  int value = args.Int(2, "value");
  if (!args.bad() && !TakesInt(command)) {
    args.ThrowRange(
        "command must be F_GETFD, F_SETFD, F_GETFL, F_SETFL, F_DUPFD or F_DUPFD_CLOEXEC");
  }
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

// siocoutq(fd): the bytes in a socket's send queue: sent and not yet acknowledged, or not yet sent.
// A shutdown counts as a byte until the peer has acknowledged it.
Napi::Value Siocoutq(const Napi::CallbackInfo& info) {
  Args args(info);
  int fd = args.Int(0, "fd");
  return args.Call([&] {
    int count = 0;
#ifdef __linux__
    int result = ioctl(fd, SIOCOUTQ, &count);
#else
    socklen_t length = sizeof count;
    int result = getsockopt(fd, SOL_SOCKET, SO_NWRITE, &count, &length);
#endif
    return result < 0 ? -1 : count;
  });
}

// dup2(fd, target): target names the same open file as fd from now on.
Napi::Value Dup2(const Napi::CallbackInfo& info) {
  Args args(info);
  int fd = args.Int(0, "fd");
  int target = args.Int(1, "target");
  return args.Call([&] { return dup2(fd, target); });
}

// isatty(fd): 1 for a terminal.
Napi::Value Isatty(const Napi::CallbackInfo& info) {
  Args args(info);
  int fd = args.Int(0, "fd");
  return args.Call([&] { return isatty(fd) == 1 ? 1 : -1; });
}

// pipe(): [fd to read from, fd to write to].
Napi::Value Pipe(const Napi::CallbackInfo& info) {
  int fds[2];
  if (OpenPipe(fds) < 0) return Answer(info.Env(), -1);
  return Pair(info.Env(), fds[0], fds[1]);
}

// closeAtEnd(fd, wanted): whether the descriptor is to be closed when its thread ends. A thread
// that is terminated runs no JavaScript any more that could close it.
Napi::Value CloseAtEnd(const Napi::CallbackInfo& info) {
  Args args(info);
  int fd = args.Int(0, "fd");
  int wanted = args.Int(1, "wanted");
  auto* fds = static_cast<std::set<int>*>(info.Data());
  if (args.bad()) return args.env().Undefined();
  if (wanted != 0) {
    fds->insert(fd);
  } else {
    fds->erase(fd);
  }
  return Answer(args.env(), 0);
}

void CloseAll(std::set<int>* fds) {
  for (int fd : *fds) close(fd);
  delete fds;
}

}  // namespace

void ExportFd(Napi::Env env, Napi::Object exports) {
  auto* fds = new std::set<int>;
  env.AddCleanupHook(CloseAll, fds);
  exports.Set("closeAtEnd", Napi::Function::New<CloseAtEnd>(env, "closeAtEnd", fds));
  Export<Read>(env, exports, "read");
  Export<Write>(env, exports, "write");
  Export<Close>(env, exports, "close");
  Export<Fcntl>(env, exports, "fcntl");
  Export<Fionread>(env, exports, "fionread");
  Export<Siocoutq>(env, exports, "siocoutq");
  Export<Dup2>(env, exports, "dup2");
  Export<Pipe>(env, exports, "pipe");
  Export<Isatty>(env, exports, "isatty");
}
