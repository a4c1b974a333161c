// sendmsg(2) and recvmsg(2): bytes with what goes beside them, such as descriptors (SCM_RIGHTS).
//
// Ancillary data crosses as records of int32: level, type, length in bytes, then the bytes, padded
// to a whole int32. The kernel's own layout (CMSG_NXTHDR) stays in this file.

#include <algorithm>
#include <cstring>
#include <vector>

#include "platform.h"
#include "sockaddr.h"

namespace {

constexpr size_t kHeaderBytes = 3 * sizeof(int32_t);

size_t Padded(size_t bytes) {
  return (bytes + sizeof(int32_t) - 1) / sizeof(int32_t) * sizeof(int32_t);
}

// The kernel's form of the records. What is no record throws.
std::vector<char> ReadRecords(Args& args, Memory<uint8_t> records) {
  std::vector<char> control;
  for (size_t at = 0; at < records.length && !args.bad();) {
    int32_t header[3];
    size_t rest = records.length - at;
    if (rest >= kHeaderBytes) memcpy(header, records.data + at, kHeaderBytes);
    if (rest < kHeaderBytes || header[2] < 0 ||
        static_cast<size_t>(header[2]) > rest - kHeaderBytes) {
      args.Throw("ancillary", "whole records");
      break;
    }
    size_t length = static_cast<size_t>(header[2]), begin = control.size();
    control.resize(begin + CMSG_SPACE(length));
    cmsghdr message{};
    message.cmsg_level = header[0];
    message.cmsg_type = header[1];
    message.cmsg_len = static_cast<decltype(message.cmsg_len)>(CMSG_LEN(length));
    memcpy(control.data() + begin, &message, sizeof message);
    memcpy(control.data() + begin + CMSG_LEN(0), records.data + at + kHeaderBytes, length);
    at += kHeaderBytes + Padded(length);
  }
  return control;
}

// The records of what has come, as far as there is room: the number of bytes.
size_t WriteRecords(msghdr* message, Memory<uint8_t> records) {
  size_t at = 0;
  for (cmsghdr* each = CMSG_FIRSTHDR(message); each; each = CMSG_NXTHDR(message, each)) {
    size_t length = each->cmsg_len - CMSG_LEN(0);
    if (at + kHeaderBytes + Padded(length) > records.length) break;
    int32_t header[] = {each->cmsg_level, each->cmsg_type, static_cast<int32_t>(length)};
    memcpy(records.data + at, header, kHeaderBytes);
    memcpy(records.data + at + kHeaderBytes, CMSG_DATA(each), length);
    at += kHeaderBytes + Padded(length);
  }
  return at;
}

// sendmsg(fd, data, ancillary, flags, address): the number of bytes taken. address may be null.
Napi::Value SendMsg(const Napi::CallbackInfo& info) {
  Args args(info);
  int fd = args.Int(0, "fd");
  int flags = args.Int(3, "flags");
  Sockaddr address;
  bool has_address = !args.IsNull(4);
  if (has_address) address = ReadSockaddr(args, 4);
  Memory<uint8_t> data = args.Bytes(1, "data");
  std::vector<char> control = ReadRecords(args, args.Bytes(2, "ancillary"));
  return args.Call([&] {
    iovec part{data.data, data.length};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    if (has_address) message.msg_name = address.get(), message.msg_namelen = address.length;
    if (!control.empty()) {
      message.msg_control = control.data();
      message.msg_controllen = static_cast<decltype(message.msg_controllen)>(control.size());
    }
    return sendmsg(fd, &message, flags | kNoSignal);
  });
}

// recvmsg(fd, buffer, ancillary, length, flags): [number of bytes, bytes of records put into
// ancillary, flags of the message, address of the sender or null].
Napi::Value RecvMsg(const Napi::CallbackInfo& info) {
  Args args(info);
  int fd = args.Int(0, "fd");
  int wanted = args.Int(3, "length");
  int flags = args.Int(4, "flags");
  Memory<uint8_t> buffer = args.Bytes(1, "buffer");
  Memory<uint8_t> records = args.Bytes(2, "ancillary");
  size_t length = static_cast<size_t>(wanted);
  if (wanted < 0 || length > buffer.length) args.Throw("length", "at most the buffer's");
  if (args.bad()) return args.env().Undefined();

  std::vector<char> control(records.length);
  Sockaddr sender;
  iovec part{buffer.data, length};
  msghdr message{};
  message.msg_name = sender.get();
  message.msg_namelen = sender.length;
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control.empty() ? nullptr : control.data();
  message.msg_controllen = static_cast<decltype(message.msg_controllen)>(control.size());
  ssize_t got = recvmsg(fd, &message, flags | kCmsgCloexec);
  if (got < 0) return Answer(args.env(), got);
  sender.length = message.msg_namelen;
  Napi::Array answer = Napi::Array::New(args.env(), 4);
  answer.Set(0u, static_cast<double>(got));
  answer.Set(1u, static_cast<double>(WriteRecords(&message, records)));
  answer.Set(2u, message.msg_flags & ~kCmsgCloexec);
  answer.Set(3u, sender.length == 0 ? args.env().Null() : FromSockaddr(args.env(), sender));
  return answer;
}

}  // namespace

void ExportMessage(Napi::Env env, Napi::Object exports) {
  Export<SendMsg>(env, exports, "sendmsg");
  Export<RecvMsg>(env, exports, "recvmsg");
}
