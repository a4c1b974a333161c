// recv(2) and send(2) that write their own line into a recording. A loop makes them for each
// message, and JavaScript would take as long over the line as the kernel over the call. The line is
// the one of src/teach/recording/write.ts; what is not said in a few fields is left to JavaScript.

#include <sys/socket.h>
#include <time.h>

#include <cstring>

#include "args.h"
#include "platform.h"

namespace {

// A call with more data is left to JavaScript, which records the beginning of it.
constexpr size_t kMaxDataBytes = 4096;

// What a line takes at most: its data in base64, and its numbers with their names.
constexpr size_t kMaxLineBytes = 4 * ((kMaxDataBytes + 2) / 3) + 256;

double Monotonic() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / 1e9;
}

// Bytes that are kept, and those of them that are whole lines: JavaScript's lines count, too.
enum Count { kKeptBytes, kWholeBytes, kCounts };

// Where the lines of a thread go: memory that JavaScript shares.
struct Lines {
  Memory<uint8_t> bytes;
  Memory<int32_t> counts;
  Memory<double> number;  // of the last call
  double origin = 0;      // when the recording began

  // JavaScript's memory, and its functions that record what is not written here.
  Napi::ObjectReference bytes_object, counts_object, number_object;
  Napi::FunctionReference record_recv, record_send;
};

// The characters of base64 for each twelve bits.
struct Pairs {
  char chars[4096][2];

  Pairs() {
    const char* digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (int bits = 0; bits < 4096; bits++) {
      chars[bits][0] = digits[bits >> 6];
      chars[bits][1] = digits[bits & 63];
    }
  }
};

const Pairs kPairs;

// Writes a line. There is room for it.
class Line {
 public:
  explicit Line(uint8_t* begin) : at_(begin) {}

  uint8_t* end() const { return at_; }

  void Text(const char* text) {
    size_t length = strlen(text);
    memcpy(at_, text, length);
    at_ += length;
  }

  void Number(uint64_t value) {
    uint8_t digits[20];
    uint8_t* first = digits + sizeof digits;
    do {
      *--first = static_cast<uint8_t>('0' + value % 10);
    } while ((value /= 10) > 0);
    size_t length = static_cast<size_t>(digits + sizeof digits - first);
    memcpy(at_, first, length);
    at_ += length;
  }

  // To the microsecond.
  void Seconds(double seconds) {
    auto micros = static_cast<uint64_t>(std::llround(seconds * 1e6));
    Number(micros / 1'000'000);
    *at_++ = '.';
    uint64_t rest = micros % 1'000'000;
    for (int i = 5; i >= 0; i--, rest /= 10) at_[i] = static_cast<uint8_t>('0' + rest % 10);
    at_ += 6;
  }

  void Base64(const uint8_t* bytes, size_t count) {
    size_t i = 0;
    for (; i + 2 < count; i += 3) {
      uint32_t three = static_cast<uint32_t>(bytes[i] << 16 | bytes[i + 1] << 8 | bytes[i + 2]);
      Pair(three >> 12);
      Pair(three & 4095);
    }
    if (i == count) return;
    bool has_second = i + 1 < count;
    uint32_t two = static_cast<uint32_t>(bytes[i] << 8 | (has_second ? bytes[i + 1] : 0));
    Pair(two >> 4);
    Pair(two << 8 & 4095);
    if (!has_second) at_[-2] = '=';
    at_[-1] = '=';
  }

 private:
  // Twelve bits as two characters.
  void Pair(uint32_t bits) {
    memcpy(at_, kPairs.chars[bits], 2);
    at_ += 2;
  }

  uint8_t* at_;
};

// A call that was made: what its line says.
struct Transfer {
  const char* name;
  double begin, end;
  int64_t result;  // or the negative errno
  int fd;
  size_t length;
  int flags;
  const uint8_t* data;
};

// Whether the line is written here. The first call of a recording has names; and JavaScript may be
// in the midst of a line.
bool IsWrittenHere(const Lines& lines, const Transfer& call) {
  int kept = lines.counts.data[kKeptBytes];
  return call.result >= 0 && static_cast<uint64_t>(call.result) <= kMaxDataBytes &&
         call.flags >= 0 && *lines.number.data > 0 && kept == lines.counts.data[kWholeBytes] &&
         kept >= 0 && static_cast<size_t>(kept) + kMaxLineBytes <= lines.bytes.length;
}

void Write(Lines& lines, const Transfer& call) {
  int32_t* counts = lines.counts.data;
  Line line(lines.bytes.data + counts[kKeptBytes]);
  line.Text("{\"n\":");
  line.Number(static_cast<uint64_t>(++*lines.number.data));
  line.Text(",\"at\":");
  line.Seconds(call.begin - lines.origin);
  line.Text(",\"took\":");
  line.Seconds(call.end - call.begin);
  line.Text(",\"call\":\"");
  line.Text(call.name);
  line.Text("\",\"result\":");
  line.Number(static_cast<uint64_t>(call.result));
  line.Text(",\"fd\":");
  line.Number(static_cast<uint64_t>(call.fd));
  line.Text(",\"length\":");
  line.Number(call.length);
  line.Text(",\"flags\":");
  line.Number(static_cast<uint64_t>(call.flags));
  line.Text(",\"data\":\"");
  line.Base64(call.data, static_cast<size_t>(call.result));
  line.Text("\"}\n");
  counts[kKeptBytes] = counts[kWholeBytes] = static_cast<int32_t>(line.end() - lines.bytes.data);
}

// Makes the call with the clock beside it.
template <typename SystemCall>
void Make(Transfer& call, SystemCall make) {
  call.begin = Monotonic();
  int64_t result = make();
  call.result = result < 0 ? -errno : result;
  call.end = Monotonic();
}

// JavaScript records the call: it takes when that began and ended, its result, and its arguments.
Napi::Value Recorded(const Napi::FunctionReference& record, const Transfer& call,
                     const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  auto number = [env](double value) { return Napi::Number::New(env, value); };
  return record.Call({number(call.begin), number(call.end),
                      number(static_cast<double>(call.result)), info[0], info[1], info[2],
                      info[3]});
}

// recv(fd, buffer, length, flags)
Napi::Value RecordedRecv(const Napi::CallbackInfo& info) {
  auto& lines = *static_cast<Lines*>(info.Data());
  Args args(info);
  int fd = args.Int(0, "fd");
  Memory<uint8_t> buffer = args.Bytes(1, "buffer");
  auto length = static_cast<size_t>(args.Int(2, "length"));
  int flags = args.Int(3, "flags");
  if (length > buffer.length) args.Throw("length", "at most the buffer's");
  if (args.bad()) return args.env().Undefined();
  Transfer call{"recv", 0, 0, 0, fd, length, flags, buffer.data};
  Make(call, [&] { return recv(fd, buffer.data, length, flags); });
  // With MSG_TRUNC the result is the length of the datagram, and may be larger.
  bool is_whole = call.result <= static_cast<int64_t>(length);
  if (!is_whole || !IsWrittenHere(lines, call)) return Recorded(lines.record_recv, call, info);
  Write(lines, call);
  return Napi::Number::New(args.env(), static_cast<double>(call.result));
}

// send(fd, data, flags)
Napi::Value RecordedSend(const Napi::CallbackInfo& info) {
  auto& lines = *static_cast<Lines*>(info.Data());
  Args args(info);
  int fd = args.Int(0, "fd");
  Memory<uint8_t> data = args.Bytes(1, "data");
  int flags = args.Int(2, "flags") | kNoSignal;
  if (args.bad()) return args.env().Undefined();
  Transfer call{"send", 0, 0, 0, fd, data.length, flags, data.data};
  Make(call, [&] { return send(fd, data.data, data.length, flags); });
  // Where not all was taken, the line says what was asked for.
  bool is_whole = call.result == static_cast<int64_t>(data.length);
  if (!is_whole || !IsWrittenHere(lines, call)) return Recorded(lines.record_send, call, info);
  Write(lines, call);
  return Napi::Number::New(args.env(), static_cast<double>(call.result));
}

// use(bytes): where lines go from now on.
Napi::Value UseMemory(const Napi::CallbackInfo& info) {
  auto& lines = *static_cast<Lines*>(info.Data());
  Args args(info);
  Memory<uint8_t> bytes = args.Bytes(0, "bytes");
  if (args.bad()) return args.env().Undefined();
  lines.bytes = bytes;
  lines.bytes_object = Napi::Persistent(info[0].As<Napi::Object>());
  return args.env().Undefined();
}

// monotonic(): seconds of a clock that nobody sets.
Napi::Value MonotonicSeconds(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), Monotonic());
}

// recordedTransfers(bytes, counts, number, origin, recordRecv, recordSend): recv and send that
// write their own lines, and `use`, for other memory. `origin` is the time when the recording
// began.
Napi::Value RecordedTransfers(const Napi::CallbackInfo& info) {
  Args args(info);
  Napi::Env env = args.env();
  double origin = 0;
  if (napi_get_value_double(env, info[3], &origin) != napi_ok) args.Throw("origin", "a number");
  if (!info[4].IsFunction()) args.Throw("recordRecv", "a function");
  if (!info[5].IsFunction()) args.Throw("recordSend", "a function");
  Memory<uint8_t> bytes = args.Bytes(0, "bytes");
  Memory<int32_t> counts = args.Ints(1, "counts");
  if (counts.length < kCounts) args.Throw("counts", "an Int32Array of two");
  Memory<double> number = args.DoublesOrNull(2, "number");
  if (number.length < 1) args.Throw("number", "a Float64Array of one");
  if (args.bad()) return env.Undefined();

  // The functions have it for as long as the thread lives.
  auto* lines = new Lines{bytes, counts, number, origin, {}, {}, {}, {}, {}};
  env.AddCleanupHook([lines] { delete lines; });
  lines->bytes_object = Napi::Persistent(info[0].As<Napi::Object>());
  lines->counts_object = Napi::Persistent(info[1].As<Napi::Object>());
  lines->number_object = Napi::Persistent(info[2].As<Napi::Object>());
  lines->record_recv = Napi::Persistent(info[4].As<Napi::Function>());
  lines->record_send = Napi::Persistent(info[5].As<Napi::Function>());

  Napi::Object functions = Napi::Object::New(env);
  functions.Set("recv", Napi::Function::New<RecordedRecv>(env, "recv", lines));
  functions.Set("send", Napi::Function::New<RecordedSend>(env, "send", lines));
  functions.Set("use", Napi::Function::New<UseMemory>(env, "use", lines));
  return functions;
}

}  // namespace

void ExportRecorded(Napi::Env env, Napi::Object exports) {
  Export<MonotonicSeconds>(env, exports, "monotonic");
  Export<RecordedTransfers>(env, exports, "recordedTransfers");
}
