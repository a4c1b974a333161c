// Addresses and their names: inet_pton(3), inet_ntop(3), getaddrinfo(3).

#include "sockaddr.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <string>

namespace {

constexpr size_t kPathOffset = offsetof(sockaddr_un, sun_path);

Sockaddr ReadPath(Args& args, const std::string& path) {
  Sockaddr address;
  auto* un = reinterpret_cast<sockaddr_un*>(&address.storage);
  bool abstract = !path.empty() && path[0] == '\0';  // Linux: a name that is in no file system
  if (path.size() + (abstract ? 0 : 1) > sizeof(un->sun_path)) {
    args.ThrowRange("AF_UNIX path too long: " + std::to_string(path.size()) + " bytes, at most " +
                    std::to_string(sizeof(un->sun_path) - 1));
    return address;
  }
  un->sun_family = AF_UNIX;
  if (path.empty()) {  // Linux: a name of the system's choice
    address.length = kPathOffset;
    return address;
  }
  memcpy(un->sun_path, path.data(), path.size());
  address.length = static_cast<socklen_t>(kPathOffset + path.size() + (abstract ? 0 : 1));
  return address;
}

uint32_t ReadNumber(Args& args, const Napi::Array& tuple, uint32_t i, uint32_t max,
                    const char* name) {
  Napi::Value value = tuple.Get(i);
  if (args.env().IsExceptionPending()) {
    args.Throw(name, "");
    return 0;
  }
  if (value.IsUndefined() && i >= 2) return 0;
  double number = value.IsNumber() ? value.As<Napi::Number>().DoubleValue() : -1;
  if (!(number >= 0 && number <= max) || number != static_cast<uint32_t>(number)) {
    args.Throw(name, ("an integer from 0 to " + std::to_string(max)).c_str());
    return 0;
  }
  return static_cast<uint32_t>(number);
}

Sockaddr ReadTuple(Args& args, const Napi::Array& tuple) {
  Sockaddr address;
  Napi::Value host_value = tuple.Get(0u);
  if (args.env().IsExceptionPending() || !host_value.IsString()) {
    args.Throw("host", "a string");
    return address;
  }
  std::string host = host_value.As<Napi::String>();
  auto port = static_cast<in_port_t>(ReadNumber(args, tuple, 1, 65535, "port"));

  auto* in = reinterpret_cast<sockaddr_in*>(&address.storage);
  auto* in6 = reinterpret_cast<sockaddr_in6*>(&address.storage);
  if (inet_pton(AF_INET, host.c_str(), &in->sin_addr) == 1) {
    in->sin_family = AF_INET;
    in->sin_port = htons(port);
    address.length = sizeof(sockaddr_in);
  } else if (inet_pton(AF_INET6, host.c_str(), &in6->sin6_addr) == 1) {
    in6->sin6_family = AF_INET6;
    in6->sin6_port = htons(port);
    in6->sin6_flowinfo = htonl(ReadNumber(args, tuple, 2, 0xfffff, "flowinfo"));
    in6->sin6_scope_id = ReadNumber(args, tuple, 3, UINT32_MAX, "scopeId");
    address.length = sizeof(sockaddr_in6);
  } else {
    args.Throw("host", "a numeric IPv4 or IPv6 address");
  }
  return address;
}

std::string ReadText(Args& args, size_t i, const char* name) {
  Napi::Value value = args.Value(i);
  if (!value.IsString()) {
    args.Throw(name, "a string");
    return "";
  }
  std::string text = value.As<Napi::String>().Utf8Value();
  // C would cut it there: what was asked for is not what would be looked up.
  if (text.find('\0') != std::string::npos) args.Throw(name, "a string without a NUL in it");
  return text;
}

// getaddrinfo(host, service, family, type, protocol, flags): the addresses of a host, in the
// system's order of preference, each [family, type, protocol, canonical name, address]; or
// getaddrinfo's error code, a number. A host of null is the wildcard or the loopback address.
Napi::Value GetAddrInfo(const Napi::CallbackInfo& info) {
  Args args(info);
  bool has_host = !args.IsNull(0), has_service = !args.IsNull(1);
  std::string host = has_host ? ReadText(args, 0, "host") : "";
  std::string service = has_service ? ReadText(args, 1, "service") : "";
  addrinfo hints{};
  hints.ai_family = args.Int(2, "family");
  hints.ai_socktype = args.Int(3, "type");
  hints.ai_protocol = args.Int(4, "proto");
  hints.ai_flags = args.Int(5, "flags");
  if (args.bad()) return args.env().Undefined();
  addrinfo* found = nullptr;
  int code = getaddrinfo(has_host ? host.c_str() : nullptr, has_service ? service.c_str() : nullptr,
                         &hints, &found);
  if (code != 0) return Napi::Number::New(args.env(), code);

  Napi::Array all = Napi::Array::New(args.env());
  for (addrinfo* each = found; each != nullptr; each = each->ai_next) {
    Sockaddr address;
    memcpy(&address.storage, each->ai_addr, each->ai_addrlen);
    address.length = each->ai_addrlen;
    Napi::Array one = Napi::Array::New(args.env(), 5);
    one.Set(0u, each->ai_family);
    one.Set(1u, each->ai_socktype);
    one.Set(2u, each->ai_protocol);
    one.Set(3u, each->ai_canonname ? each->ai_canonname : "");
    one.Set(4u, FromSockaddr(args.env(), address));
    all.Set(all.Length(), one);
  }
  freeaddrinfo(found);
  return all;
}

// gethostname(): this machine's name.
Napi::Value GetHostName(const Napi::CallbackInfo& info) {
  char name[1024] = "";
  int result = gethostname(name, sizeof name - 1);
  return result < 0 ? Answer(info.Env(), result) : Napi::String::New(info.Env(), name);
}

// inet_pton(family, text): the address's bytes, or null for what is no address of the family.
Napi::Value InetPton(const Napi::CallbackInfo& info) {
  Args args(info);
  int family = args.Int(0, "family");
  std::string text = ReadText(args, 1, "text");
  if (args.bad()) return args.env().Undefined();
  uint8_t bytes[sizeof(in6_addr)];
  int result = inet_pton(family, text.c_str(), bytes);
  if (result < 0) return Answer(args.env(), result);
  if (result == 0) return args.env().Null();
  size_t length = family == AF_INET ? sizeof(in_addr) : sizeof(in6_addr);
  return Napi::Buffer<uint8_t>::Copy(args.env(), bytes, length);
}

// inet_ntop(family, bytes): the address as text.
Napi::Value InetNtop(const Napi::CallbackInfo& info) {
  Args args(info);
  int family = args.Int(0, "family");
  Memory<uint8_t> bytes = args.Bytes(1, "bytes");
  size_t length = family == AF_INET ? sizeof(in_addr) : sizeof(in6_addr);
  if (bytes.length != length) args.Throw("bytes", "as long as an address of the family");
  if (args.bad()) return args.env().Undefined();
  char text[INET6_ADDRSTRLEN] = "";
  if (!inet_ntop(family, bytes.data, text, sizeof text)) return Answer(args.env(), -1);
  return Napi::String::New(args.env(), text);
}

// The name and the text of an error code of getaddrinfo: ["EAI_NONAME", "Name or service not
// known"].
Napi::Value GaiError(const Napi::CallbackInfo& info) {
  Args args(info);
  int code = args.Int(0, "code");
  if (args.bad()) return args.env().Undefined();
  const char* name = "EAI_FAIL";
  switch (code) {
    case EAI_AGAIN:
      name = "EAI_AGAIN";
      break;
    case EAI_BADFLAGS:
      name = "EAI_BADFLAGS";
      break;
    case EAI_FAMILY:
      name = "EAI_FAMILY";
      break;
    case EAI_MEMORY:
      name = "EAI_MEMORY";
      break;
    case EAI_NONAME:
      name = "EAI_NONAME";
      break;
    case EAI_SERVICE:
      name = "EAI_SERVICE";
      break;
    case EAI_SOCKTYPE:
      name = "EAI_SOCKTYPE";
      break;
#ifdef EAI_ADDRFAMILY
    case EAI_ADDRFAMILY:
      name = "EAI_ADDRFAMILY";
      break;
#endif
#ifdef EAI_NODATA
    case EAI_NODATA:
      name = "EAI_NODATA";
      break;
#endif
  }
  return Pair(args.env(), name, gai_strerror(code));
}

}  // namespace

Sockaddr ReadSockaddr(Args& args, size_t i) {
  Napi::Value value = args.Value(i);
  if (value.IsString()) return ReadPath(args, value.As<Napi::String>());
  if (value.IsTypedArray() && value.As<Napi::TypedArray>().TypedArrayType() == napi_uint8_array) {
    auto bytes = value.As<Napi::Uint8Array>();
    if (bytes.ByteLength() == 0) return ReadPath(args, "");
    return ReadPath(args, std::string(reinterpret_cast<char*>(bytes.Data()), bytes.ByteLength()));
  }
  if (value.IsArray()) return ReadTuple(args, value.As<Napi::Array>());
  args.Throw("address", "[host, port], a path or its bytes");
  return {};
}

Napi::Value FromSockaddr(Napi::Env env, const Sockaddr& address) {
  char host[INET6_ADDRSTRLEN] = "";
  switch (address.storage.ss_family) {
    case AF_INET: {
      auto* in = reinterpret_cast<const sockaddr_in*>(&address.storage);
      inet_ntop(AF_INET, &in->sin_addr, host, sizeof(host));
      Napi::Array tuple = Napi::Array::New(env, 2);
      tuple.Set(0u, host);
      tuple.Set(1u, ntohs(in->sin_port));
      return tuple;
    }
    case AF_INET6: {
      auto* in6 = reinterpret_cast<const sockaddr_in6*>(&address.storage);
      inet_ntop(AF_INET6, &in6->sin6_addr, host, sizeof(host));
      Napi::Array tuple = Napi::Array::New(env, 4);
      tuple.Set(0u, host);
      tuple.Set(1u, ntohs(in6->sin6_port));
      tuple.Set(2u, ntohl(in6->sin6_flowinfo));
      tuple.Set(3u, in6->sin6_scope_id);
      return tuple;
    }
    default: {  // AF_UNIX; a socket without a name has the empty path
      auto* un = reinterpret_cast<const sockaddr_un*>(&address.storage);
      size_t size = address.length > kPathOffset ? address.length - kPathOffset : 0;
      size = size > sizeof(un->sun_path) ? sizeof(un->sun_path) : size;
      if (size > 0 && un->sun_path[0] != '\0') size = strnlen(un->sun_path, size);
      Napi::String path = Napi::String::New(env, un->sun_path, size);
      // A name need not be UTF-8: then it comes as it is.
      if (path.Utf8Value() == std::string(un->sun_path, size)) return path;
      return Napi::Buffer<char>::Copy(env, un->sun_path, size);
    }
  }
}

void ExportSockaddr(Napi::Env env, Napi::Object exports) {
  Export<GetAddrInfo>(env, exports, "getaddrinfo");
  Export<GetHostName>(env, exports, "gethostname");
  Export<InetPton>(env, exports, "inet_pton");
  Export<InetNtop>(env, exports, "inet_ntop");
  Export<GaiError>(env, exports, "gaiError");
}
