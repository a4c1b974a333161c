// What the families of system calls share: how arguments come in and how answers go back.
#pragma once

#include <napi.h>

#include <cerrno>
#include <climits>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>

// One function a family, defined in the file of that name.
void ExportSelect(Napi::Env env, Napi::Object exports);    // select.cc
void ExportPoll(Napi::Env env, Napi::Object exports);      // poll.cc
void ExportEpoll(Napi::Env env, Napi::Object exports);     // epoll.cc
void ExportKqueue(Napi::Env env, Napi::Object exports);    // kqueue.cc
void ExportFd(Napi::Env env, Napi::Object exports);        // fd.cc
void ExportSocket(Napi::Env env, Napi::Object exports);    // socket.cc
void ExportSockaddr(Napi::Env env, Napi::Object exports);  // sockaddr.cc

template <Napi::Value (*function)(const Napi::CallbackInfo&)>
void Export(Napi::Env env, Napi::Object exports, const char* name) {
  exports.Set(name, Napi::Function::New<function>(env, name));
}

// A system call's answer: its result, or the negative errno, which TypeScript throws. Throwing here
// would make an everyday EAGAIN cost microseconds.
inline Napi::Value Answer(Napi::Env env, int64_t result) {
  return Napi::Number::New(env, static_cast<double>(result < 0 ? -errno : result));
}

// The memory of a typed array; data is nullptr for JavaScript's null.
template <typename T>
struct Memory {
  T* data = nullptr;
  size_t length = 0;  // elements
};

// Reads a call's arguments. The first wrong one throws a TypeError; `bad()` then says so.
class Args {
 public:
  explicit Args(const Napi::CallbackInfo& info) : info_(info), env_(info.Env()) {}

  Napi::Env env() const { return env_; }
  bool bad() const { return bad_; }
  bool IsNull(size_t i) const { return IsMissing(i) || info_[i].IsNull(); }
  Napi::Value Value(size_t i) const { return info_[i]; }

  int Int(size_t i, const char* name) {
    double value = NAN;
    napi_get_value_double(env_, info_[i], &value);
    if (!(value >= INT_MIN && value <= INT_MAX) || value != std::trunc(value)) {
      Throw(name, "an integer");
      return 0;
    }
    return static_cast<int>(value);
  }

  double Double(size_t i, const char* name) {
    double value = 0;
    if (napi_get_value_double(env_, info_[i], &value) != napi_ok) Throw(name, "a number");
    return value;
  }

  Memory<uint8_t> Bytes(size_t i, const char* name) {
    return TypedArray<uint8_t>(i, name, napi_uint8_array, "a Uint8Array");
  }
  Memory<int32_t> Ints(size_t i, const char* name) {
    return TypedArray<int32_t>(i, name, napi_int32_array, "an Int32Array");
  }
  Memory<int32_t> IntsOrNull(size_t i, const char* name) {
    return TypedArray<int32_t>(i, name, napi_int32_array, "an Int32Array or null", true);
  }
  Memory<double> DoublesOrNull(size_t i, const char* name) {
    return TypedArray<double>(i, name, napi_float64_array, "a Float64Array or null", true);
  }

  // Makes the system call, unless an argument was wrong.
  template <typename SystemCall>
  Napi::Value Call(SystemCall call) const {
    return bad_ ? env_.Undefined() : Answer(env_, call());
  }

  void Throw(const char* name, const char* wanted) {
    if (!bad_) {
      Napi::TypeError::New(env_, std::string(name) + " must be " + wanted)
          .ThrowAsJavaScriptException();
    }
    bad_ = true;
  }

  void ThrowRange(const std::string& text) {
    if (!bad_) Napi::RangeError::New(env_, text).ThrowAsJavaScriptException();
    bad_ = true;
  }

 private:
  // Asking a value for its type takes longer than not to be given one.
  bool IsMissing(size_t i) const { return i >= info_.Length(); }

  template <typename T>
  Memory<T> TypedArray(size_t i, const char* name, napi_typedarray_type wanted,
                       const char* wantedName, bool orNull = false) {
    if (orNull && IsMissing(i)) return {};
    napi_typedarray_type type;
    void* data;
    size_t length;
    if (napi_get_typedarray_info(env_, info_[i], &type, &length, &data, nullptr, nullptr) ==
            napi_ok &&
        type == wanted) {
      return {static_cast<T*>(data), length};
    }
    if (!orNull || !IsNull(i)) Throw(name, wantedName);
    return {};
  }

  const Napi::CallbackInfo& info_;
  Napi::Env env_;
  bool bad_ = false;
};
