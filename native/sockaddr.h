// Addresses, between JavaScript's form and the kernel's. [host, port] for AF_INET,
// [host, port, flowinfo, scopeId] for AF_INET6, a string (a path) for AF_UNIX. Hosts are numeric
// here: names are getaddrinfo's matter.
#pragma once

#include <sys/socket.h>

#include "args.h"

struct Sockaddr {
  sockaddr_storage storage{};
  socklen_t length = sizeof(sockaddr_storage);

  sockaddr* get() { return reinterpret_cast<sockaddr*>(&storage); }
};

// Throws a TypeError or RangeError for what is no address; `args.bad()` then says so.
Sockaddr ReadSockaddr(Args& args, size_t i);

Napi::Value FromSockaddr(Napi::Env env, const Sockaddr& address);
