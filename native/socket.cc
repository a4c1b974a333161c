// The socket calls, one function a system call. Descriptors are close-on-exec, and a write to a
// dead peer is EPIPE, never SIGPIPE.

#include <netinet/in.h>
#include <sys/socket.h>

#include "platform.h"
#include "sockaddr.h"

namespace {

// socket(family, type, protocol): a descriptor.
Napi::Value Socket(const Napi::CallbackInfo& info) {
  Args args(info);
  int family = args.Int(0, "family");
  int type = args.Int(1, "type");
  int protocol = args.Int(2, "proto");
  return args.Call([&] { return OpenSocket(family, type, protocol); });
}

// socketpair(family, type, protocol): [fd, fd].
Napi::Value SocketPair(const Napi::CallbackInfo& info) {
  Args args(info);
  int family = args.Int(0, "family");
  int type = args.Int(1, "type");
  int protocol = args.Int(2, "proto");
  if (args.bad()) return args.env().Undefined();
  int fds[2];
  if (OpenSocketPair(family, type, protocol, fds) < 0) return Answer(args.env(), -1);
  return Pair(args.env(), fds[0], fds[1]);
}

// bind(fd, address)
Napi::Value Bind(const Napi::CallbackInfo& info) {
  Args args(info);
  int fd = args.Int(0, "fd");
  Sockaddr address = ReadSockaddr(args, 1);
  return args.Call([&] { return bind(fd, address.get(), address.length); });
}

// listen(fd, backlog)
Napi::Value Listen(const Napi::CallbackInfo& info) {
  Args args(info);
  int fd = args.Int(0, "fd");
  int backlog = args.Int(1, "backlog");
  return args.Call([&] { return listen(fd, backlog); });
}

// accept(fd): [descriptor, address of the peer].
Napi::Value Accept(const Napi::CallbackInfo& info) {
  Args args(info);
  int fd = args.Int(0, "fd");
  if (args.bad()) return args.env().Undefined();
  Sockaddr peer;
  int conn = AcceptSocket(fd, peer.get(), &peer.length);
  if (conn < 0) return Answer(args.env(), conn);
  Napi::Value answer = Pair(args.env(), conn, FromSockaddr(args.env(), peer));
  // A thread that was terminated while it waited never sees the connection.
  napi_value first;
  if (napi_get_element(args.env(), answer, 0, &first) != napi_ok) close(conn);
  return answer;
}

// connect(fd, address)
Napi::Value Connect(const Napi::CallbackInfo& info) {
  Args args(info);
  int fd = args.Int(0, "fd");
  Sockaddr address = ReadSockaddr(args, 1);
  return args.Call([&] { return connect(fd, address.get(), address.length); });
}

// getsockname(fd) and getpeername(fd): the address at this end, and at the other.
template <int (*call)(int, sockaddr*, socklen_t*)>
Napi::Value GetName(const Napi::CallbackInfo& info) {
  Args args(info);
  int fd = args.Int(0, "fd");
  if (args.bad()) return args.env().Undefined();
  Sockaddr address;
  int result = call(fd, address.get(), &address.length);
  return result < 0 ? Answer(args.env(), result) : FromSockaddr(args.env(), address);
}

// recv(fd, buffer, length, flags): the number of bytes put at the buffer's start.
Napi::Value Recv(const Napi::CallbackInfo& info) {
  Args args(info);
  int fd = args.Int(0, "fd");
  Memory<uint8_t> buffer = args.Bytes(1, "buffer");
  size_t length = static_cast<size_t>(args.Int(2, "length"));
  int flags = args.Int(3, "flags");
  if (length > buffer.length) args.Throw("length", "at most the buffer's");
  return args.Call([&] { return recv(fd, buffer.data, length, flags); });
}

// recvfrom(fd, buffer, length, flags): [number of bytes, address of the sender].
Napi::Value RecvFrom(const Napi::CallbackInfo& info) {
  Args args(info);
  int fd = args.Int(0, "fd");
  Memory<uint8_t> buffer = args.Bytes(1, "buffer");
  size_t length = static_cast<size_t>(args.Int(2, "length"));
  int flags = args.Int(3, "flags");
  if (length > buffer.length) args.Throw("length", "at most the buffer's");
  if (args.bad()) return args.env().Undefined();
  Sockaddr sender;
  ssize_t got = recvfrom(fd, buffer.data, length, flags, sender.get(), &sender.length);
  if (got < 0) return Answer(args.env(), got);
  Napi::Value from =
      sender.length == 0 ? args.env().Null() : FromSockaddr(args.env(), sender);  // a stream: none
  return Pair(args.env(), static_cast<double>(got), from);
}

// send(fd, data, flags): the number of bytes taken.
Napi::Value Send(const Napi::CallbackInfo& info) {
  Args args(info);
  int fd = args.Int(0, "fd");
  Memory<uint8_t> data = args.Bytes(1, "data");
  int flags = args.Int(2, "flags");
  return args.Call([&] { return send(fd, data.data, data.length, flags | kNoSignal); });
}

// sendto(fd, data, flags, address): the number of bytes taken.
Napi::Value SendTo(const Napi::CallbackInfo& info) {
  Args args(info);
  int fd = args.Int(0, "fd");
  int flags = args.Int(2, "flags");
  Sockaddr address = ReadSockaddr(args, 3);
  Memory<uint8_t> data = args.Bytes(1, "data");
  return args.Call([&] {
    return sendto(fd, data.data, data.length, flags | kNoSignal, address.get(), address.length);
  });
}

// shutdown(fd, how)
Napi::Value Shutdown(const Napi::CallbackInfo& info) {
  Args args(info);
  int fd = args.Int(0, "fd");
  int how = args.Int(1, "how");
  return args.Call([&] { return shutdown(fd, how); });
}

// getsockopt(fd, level, option, value): the number of bytes put into value.
Napi::Value GetSockOpt(const Napi::CallbackInfo& info) {
  Args args(info);
  int fd = args.Int(0, "fd");
  int level = args.Int(1, "level");
  int option = args.Int(2, "option");
  Memory<uint8_t> value = args.Bytes(3, "value");
  if (args.bad()) return args.env().Undefined();
  auto length = static_cast<socklen_t>(value.length);
  int result = getsockopt(fd, level, option, value.data, &length);
  return Answer(args.env(), result < 0 ? -1 : static_cast<int64_t>(length));
}

// setsockopt(fd, level, option, value)
Napi::Value SetSockOpt(const Napi::CallbackInfo& info) {
  Args args(info);
  int fd = args.Int(0, "fd");
  int level = args.Int(1, "level");
  int option = args.Int(2, "option");
  Memory<uint8_t> value = args.Bytes(3, "value");
  return args.Call([&] {
    return setsockopt(fd, level, option, value.data, static_cast<socklen_t>(value.length));
  });
}

}  // namespace

void ExportSocket(Napi::Env env, Napi::Object exports) {
  Export<Socket>(env, exports, "socket");
  Export<SocketPair>(env, exports, "socketpair");
  Export<Bind>(env, exports, "bind");
  Export<Listen>(env, exports, "listen");
  Export<Accept>(env, exports, "accept");
  Export<Connect>(env, exports, "connect");
  Export<GetName<getsockname>>(env, exports, "getsockname");
  Export<GetName<getpeername>>(env, exports, "getpeername");
  Export<Recv>(env, exports, "recv");
  Export<RecvFrom>(env, exports, "recvfrom");
  Export<Send>(env, exports, "send");
  Export<SendTo>(env, exports, "sendto");
  Export<Shutdown>(env, exports, "shutdown");
  Export<GetSockOpt>(env, exports, "getsockopt");
  Export<SetSockOpt>(env, exports, "setsockopt");
}
