// Writes lines of Prometheus' text format: the same bytes as src/exporters/lines.ts, line for line.
//
// What JavaScript gave is trusted nowhere: each text and row is compared with what there is where it is used.
#include "exposition.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>

namespace cgctl {
namespace {

// JavaScript's longest has 25 characters.
constexpr size_t kLongestNumeral = 32;
// Doubles tell whole numbers apart up to here.
constexpr double kExact = 9007199254740992;

// The memory of a typed array, which only JavaScript could take away, and none runs meanwhile. One call is made for each: Napi's
// classes make several, and a page has ten arrays.
template <typename Element>
struct Elements {
  Elements() = default;
  Elements(const Napi::Value& value, napi_typedarray_type wanted, const char* name) {
    napi_typedarray_type type;
    void* memory;
    if (napi_get_typedarray_info(value.Env(), value, &type, &size, &memory, nullptr, nullptr) != napi_ok || type != wanted) {
      throw Napi::TypeError::New(value.Env(), std::string(name) + " must be a typed array of its kind");
    }
    data = static_cast<Element*>(memory);
  }

  Element* data = nullptr;
  size_t size = 0;
};

// Texts one after the other, with where each begins and, at last, where they end.
class Texts {
 public:
  Texts(const Napi::Value& bytes, const Napi::Value& starts)
      : env_(bytes.Env()), bytes_(bytes, napi_uint8_array, "bytes"), starts_(starts, napi_uint32_array, "starts") {}

  // Empty where there is none of this number.
  std::string_view At(int32_t number) const {
    const size_t at = static_cast<uint32_t>(number);
    if (at + 1 >= starts_.size) return {};
    const uint32_t start = starts_.data[at], end = starts_.data[at + 1];
    if (start > end || end > bytes_.size) throw Napi::RangeError::New(env_, "a text is not within the bytes");
    return {bytes_.data + start, end - start};
  }

 private:
  const Napi::Env env_;
  const Elements<char> bytes_;
  const Elements<uint32_t> starts_;
};

// Writes a number of so many decimals that is not whole, without zeros at the end. Null where it is not one.
template <uint64_t kScale>
char* PutDecimal(char* to, char* end, double value) {
  // Doubles are closer together than such decimals below this, so that only one reads as the value, and none that is shorter.
  if (value * static_cast<double>(kScale) >= kExact / 2) return nullptr;
  const auto scaled = static_cast<uint64_t>(value * static_cast<double>(kScale) + 0.5);
  if (static_cast<double>(scaled) / static_cast<double>(kScale) != value) return nullptr;
  to = std::to_chars(to, end, scaled / kScale).ptr;
  // A one in front keeps the zeros; the point takes its place.
  char* last = std::to_chars(to, end, kScale + scaled % kScale).ptr;
  *to = '.';
  while (last[-1] == '0') last--;
  return last;
}

// Writes String(value) of JavaScript, but infinity as Prometheus has it. Returns where it ends.
char* PutNumeral(Napi::Env env, char* to, double value) {
  char* const end = to + kLongestNumeral;
  if (value >= 0 && value < kExact) {
    const auto whole = static_cast<uint64_t>(value);
    if (static_cast<double>(whole) == value) return std::to_chars(to, end, whole).ptr;
    // Most of the kernel's fractions are nanoseconds and microseconds. JavaScript writes small ones with an exponent.
    if (value >= 1e-6) {
      if (char* const done = PutDecimal<1'000'000'000>(to, end, value)) return done;
      if (char* const done = PutDecimal<1'000'000>(to, end, value)) return done;
    }
  }
  if (std::isinf(value)) {
    const std::string_view text = value > 0 ? "+Inf" : "-Inf";
    return std::copy(text.begin(), text.end(), to);
  }
  // The rest is rare. std::to_chars would do, but wants a compiler of 2021.
  const Napi::HandleScope scope(env);
  size_t length = 0;
  const napi_value text = Napi::Number::New(env, value).ToString();
  if (napi_get_value_string_latin1(env, text, to, kLongestNumeral, &length) != napi_ok) throw Napi::Error::New(env);
  return to + length;
}

// (page, [to, at], name, values, rows, which or undefined, subjects, their starts, tails, their starts): writes lines of the
// figures from `at` on to the page from `to` on, until one might not fit, and says in the same array how far it came.
void PutLines(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const Elements<char> page(info[0], napi_uint8_array, "page");
  const Elements<uint32_t> place(info[1], napi_uint32_array, "place");
  const Elements<char> name(info[2], napi_uint8_array, "name");
  const Elements<double> values(info[3], napi_float64_array, "values");
  const Elements<int32_t> rows(info[4], napi_int32_array, "rows");
  // Figures of plain parts are by row, and have one tail.
  const bool keyed = !info[5].IsUndefined();
  const auto which = keyed ? Elements<int32_t>(info[5], napi_int32_array, "which") : Elements<int32_t>();
  const Texts subjects(info[6], info[7]), tails(info[8], info[9]);

  if (place.size != 2) throw Napi::RangeError::New(env, "place must be two numbers");
  size_t to = place.data[0], at = place.data[1];
  // So far can be told.
  const size_t room = std::min<size_t>(page.size, std::numeric_limits<uint32_t>::max());
  if (to > room || at > rows.size) throw Napi::RangeError::New(env, "place is not within the page and the figures");
  if (keyed && (which.size != rows.size || values.size != rows.size)) {
    throw Napi::RangeError::New(env, "the arrays of a keyed part must be of one length");
  }

  const std::string_view begin(name.data, name.size);
  for (; at < rows.size; at++) {
    const int32_t row = rows.data[at];
    const size_t figure = keyed ? at : static_cast<uint32_t>(row);
    const double value = figure < values.size ? values.data[figure] : NAN;
    if (std::isnan(value)) continue;
    const std::string_view subject = subjects.At(row), tail = tails.At(keyed ? which.data[at] : 0);
    if (subject.empty() || tail.empty()) continue;
    const size_t length = begin.size() + subject.size() + tail.size();
    if (length + kLongestNumeral + 1 > room - to) break;
    char* end = page.data + to;
    for (const std::string_view part : {begin, subject, tail}) end = std::copy(part.begin(), part.end(), end);
    end = PutNumeral(env, end, value);
    *end++ = '\n';
    to = static_cast<size_t>(end - page.data);
  }
  place.data[0] = static_cast<uint32_t>(to);
  place.data[1] = static_cast<uint32_t>(at);
}

}  // namespace

void ExportExposition(Napi::Env env, Napi::Object exports) {
  exports.Set("putLines", Napi::Function::New(env, PutLines, "putLines"));
}

}  // namespace cgctl
