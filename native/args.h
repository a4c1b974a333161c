// How the arguments of a call come in and its answer goes back: the same for all system calls.
#pragma once

// Its own names shadow each other.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wshadow"
#include <napi.h>
#pragma GCC diagnostic pop
#include <sys/time.h>

#include <cassert>
#include <cerrno>
#include <climits>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>

template <Napi::Value (*function)(const Napi::CallbackInfo&)>
void Export(Napi::Env env, Napi::Object exports, const char* name) {
  exports.Set(name, Napi::Function::New<function>(env, name));
}

// A system call's answer: its result, or the negative errno, which TypeScript throws. Throwing here
// would make an everyday EAGAIN cost microseconds.
inline Napi::Value Answer(Napi::Env env, int64_t result) {
  return Napi::Number::New(env, static_cast<double>(result < 0 ? -errno : result));
}

// [first, second]
template <typename First, typename Second>
Napi::Value Pair(Napi::Env env, const First& first, const Second& second) {
  Napi::Array pair = Napi::Array::New(env, 2);
  pair.Set(0u, first);
  pair.Set(1u, second);
  return pair;
}

// The memory of a typed array: none for null, and none either once it was transferred.
template <typename T>
struct Memory {
  T* data = nullptr;
  size_t length = 0;  // elements
  bool is_null = false;
};

// How long a call may wait.
struct Timeout {
  bool forever = true;
  timeval tv{};

  timeval* get() { return forever ? nullptr : &tv; }
};

// Reads a call's arguments. The first wrong one throws; `bad()` then says so.
//
// Reading an object (an address) may run a getter, which can free memory: objects are read before
// memory is looked up.
class Args {
 public:
  explicit Args(const Napi::CallbackInfo& info) : info_(info), env_(info.Env()) {}

  Napi::Env env() const { return env_; }
  bool bad() const { return bad_; }
  bool IsNull(size_t i) const { return IsMissing(i) || info_[i].IsNull(); }

  // An argument that is no number and no memory: its reading may run JavaScript.
  Napi::Value Value(size_t i) const {
    assert(!has_memory_);
    return info_[i];
  }

  int Int(size_t i, const char* name) {
    double value = NAN;
    napi_get_value_double(env_, info_[i], &value);
    if (!(value >= INT_MIN && value <= INT_MAX) || value != std::trunc(value)) {
      Throw(name, "an integer");
      return 0;
    }
    return static_cast<int>(value);
  }

  // Seconds, rounded up to microseconds: a wait is never shorter than asked for. null: for ever.
  Timeout Seconds(size_t i, const char* name) {
    if (IsNull(i)) return {};
    double seconds = 0;
    if (napi_get_value_double(env_, info_[i], &seconds) != napi_ok) {
      Throw(name, "a number or null");
    }
    double whole = std::floor(seconds);
    double micros = std::ceil((seconds - whole) * 1e6);
    return micros < 1e6 ? Timeval(whole, micros, name) : Timeval(whole + 1, 0, name);
  }

  // tv_sec and tv_usec. What a time_t cannot hold throws: the kernel never sees it.
  Timeout Timeval(double sec, double usec, const char* name) {
    constexpr double kEnd = 9223372036854775808.0;  // 2 ** 63
    if (!(std::fabs(sec) < kEnd) || !(std::fabs(usec) < kEnd)) {
      ThrowRange(std::string(name) + " out of range for time_t");
      return {};
    }
    return {false, {static_cast<time_t>(sec), static_cast<suseconds_t>(usec)}};
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
    if (!bad_ && !env_.IsExceptionPending()) {
      Napi::TypeError::New(env_, std::string(name) + " must be " + wanted)
          .ThrowAsJavaScriptException();
    }
    bad_ = true;
  }

  void ThrowRange(const std::string& text) {
    if (!bad_ && !env_.IsExceptionPending()) {
      Napi::RangeError::New(env_, text).ThrowAsJavaScriptException();
    }
    bad_ = true;
  }

 private:
  // Asking a value for its type takes longer than not to be given one.
  bool IsMissing(size_t i) const { return i >= info_.Length(); }

  template <typename T>
  Memory<T> TypedArray(size_t i, const char* name, napi_typedarray_type wanted,
                       const char* wanted_name, bool or_null = false) {
    if (or_null && IsMissing(i)) return {nullptr, 0, true};
    has_memory_ = true;
    napi_typedarray_type type;
    void* data;
    size_t length;
    napi_value buffer;
    if (napi_get_typedarray_info(env_, info_[i], &type, &length, &data, &buffer, nullptr) ==
            napi_ok &&
        type == wanted) {
      bool is_detached = false;
      if (length == 0) napi_is_detached_arraybuffer(env_, buffer, &is_detached);
      if (is_detached) Throw(name, "memory that was not transferred");
      return {static_cast<T*>(data), length, false};
    }
    if (!or_null || !IsNull(i)) Throw(name, wanted_name);
    return {nullptr, 0, true};
  }

  const Napi::CallbackInfo& info_;
  Napi::Env env_;
  bool bad_ = false;
  bool has_memory_ = false;
};
