#include "figures.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <iterator>
#include <limits>
#include <utility>

namespace cgctl {
namespace {

using Text = std::string_view;
using Items = std::vector<Item>;

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinity = std::numeric_limits<double>::infinity();
// Every number of so many digits fits 64 bits.
constexpr ptrdiff_t kSafeDigits = 19;
// The digits of 2^64 - 1.
constexpr ptrdiff_t kU64Digits = 20;

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

// Reads digits, as many as there are. Returns where they end; the value is right for up to kSafeDigits of them.
const char* Digits(const char* at, const char* end, uint64_t& value) {
  value = 0;
  for (; at < end && IsDigit(*at); at++) value = value * 10 + static_cast<uint64_t>(*at - '0');
  return at;
}

// Where the line that begins at start ends: its newline, or the text's end.
size_t LineEnd(Text text, size_t start) {
  if (start >= text.size()) return start;
  const void* found = memchr(text.data() + start, '\n', text.size() - start);
  return found == nullptr ? text.size() : static_cast<size_t>(static_cast<const char*>(found) - text.data());
}

// Where the word that begins at start ends.
size_t TokenEnd(Text text, size_t start, size_t end) {
  while (start < end && text[start] != ' ' && text[start] != '\n') start++;
  return start;
}

// What is between two places, of which the first may lie behind the second.
Text Between(Text text, size_t start, size_t end) {
  return start < end ? text.substr(start, end - start) : Text();
}

// Most that do not differ at once.
bool Begins(Text text, Text head) {
  if (text.size() < head.size()) return false;
  return head.empty() || (text[0] == head[0] && memcmp(text.data(), head.data(), head.size()) == 0);
}

// Digits, a point and digits, which may be any number: the C library rounds it as JavaScript does.
double Fraction(Text text) {
  size_t at = text[0] == '-' ? 1 : 0;
  while (at < text.size() && IsDigit(text[at])) at++;
  const size_t point = at++;
  while (at < text.size() && IsDigit(text[at])) at++;
  if (at != text.size() || at == point + 1) return kNaN;
  return strtod(std::string(text).c_str(), nullptr);
}

// Digits with an optional minus and fraction, or `max`. NaN when malformed.
double Number(Text text, double no_limit) {
  const bool negative = !text.empty() && text[0] == '-';
  const char* const first = text.data() + (negative ? 1 : 0);
  const char* const end = text.data() + text.size();
  uint64_t digits;
  const char* const stop = Digits(first, end, digits);
  if (stop == first) return text == "max" ? kInfinity : kNaN;
  if (stop < end) return *stop == '.' ? Fraction(text) : kNaN;
  if (stop - first > kU64Digits) return kNaN;
  double value = static_cast<double>(digits);
  if (stop - first > kSafeDigits) {
    unsigned __int128 whole = 0;
    for (const char* at = first; at < end; at++) whole = whole * 10 + static_cast<unsigned>(*at - '0');
    value = static_cast<double>(whole);
  }
  if (negative) return 0 - value;
  return value >= no_limit ? kInfinity : value;
}

double ValueOf(const Item& item, Text text) {
  if (item.equals) return text == *item.equals ? 1 : 0;
  if (item.unlimited && text == *item.unlimited) return kInfinity;
  const double value = Number(text, item.no_limit);
  return item.per ? value / *item.per : value;
}

// Puts an item's figure; false when it is malformed.
bool Put(const Item& item, Text text, Sink& sink) {
  const double value = ValueOf(item, text);
  if (std::isnan(value)) return false;
  sink.Put(item, value);
  return true;
}

bool Put(const Item& item, Text text, Sink& sink, Text label) {
  const double value = ValueOf(item, text);
  if (std::isnan(value)) return false;
  sink.Put(item, value, label);
  return true;
}

// Whether an item's figure is nothing but a number, of one column.
bool IsBare(const Item& item) { return !item.keyed && !item.equals && !item.unlimited; }

// Puts the figure of a bare item that is digits and the end of the line, as nearly all are, without a second look at them. Returns
// where the line ends; nullptr when it is something else.
const char* PutDigits(const Item& item, const char* at, const char* end, Sink& sink) {
  uint64_t digits;
  const char* const stop = Digits(at, end, digits);
  if (stop == at || stop - at > kSafeDigits || (stop < end && *stop != '\n')) return nullptr;
  const double number = static_cast<double>(digits);
  const double value = number >= item.no_limit ? kInfinity : number;
  sink.plain[item.column][sink.row] = item.per ? value / *item.per : value;
  return stop;
}

class Scalar : public Format {
 public:
  explicit Scalar(Items items) : items_(std::move(items)), bare_(items_.size() == 1 && IsBare(items_[0])) {}
  bool Parse(Text text, Sink& sink) override {
    if (bare_ && PutDigits(items_[0], text.data(), text.data() + text.size(), sink) != nullptr) return true;
    const Text line = text.substr(0, LineEnd(text, 0));
    bool good = true;
    for (const Item& item : items_) good = Put(item, line, sink) && good;
    return good;
  }

 private:
  Items items_;
  bool bare_;
};

class Word : public Format {
 public:
  explicit Word(Items items) : items_(std::move(items)) {}
  bool Parse(Text text, Sink& sink) override {
    const size_t stop = LineEnd(text, 0);
    bool good = true;
    for (const Item& item : items_) {
      size_t start = 0;
      for (uint32_t skip = item.index; skip > 0; skip--) start = TokenEnd(text, start, stop) + 1;
      const size_t close = TokenEnd(text, start, stop);
      good = close > start && Put(item, Between(text, start, close), sink) && good;
    }
    return good;
  }

 private:
  Items items_;
};

// `KEY n` lines. Where each key stands is learned from the first file and verified by comparing its bytes; a file of
// another make is learned anew.
class Flat : public Format {
 public:
  explicit Flat(Items items) {
    for (Item& item : items) {
      const std::string head = item.key + ' ';
      const auto known = std::find_if(keys_.begin(), keys_.end(), [&](const Key& key) { return key.head == head; });
      Key& key = known == keys_.end() ? keys_.emplace_back() : *known;
      key.head = head;
      if (item.keyed) labelled_.push_back({item.column, 0});
      key.items.push_back(std::move(item));
    }
    for (Key& key : keys_) key.bare = key.items.size() == 1 && IsBare(key.items[0]);
  }
  bool Parse(Text text, Sink& sink) override {
    bool good;
    for (Labelled& each : labelled_) each.before = sink.keyed[each.column].row.size();
    if (Follow(text, sink, good)) return good;
    for (const Labelled& each : labelled_) sink.keyed[each.column].Cut(each.before);
    Learn(text);
    Follow(text, sink, good);
    return good;
  }

 private:
  struct Key {
    std::string head;
    Items items;
    bool bare = false;
  };
  // Which key stands there. One that nobody wants is known by its own text.
  struct Line {
    size_t key;
    std::string other;
  };
  // A column that grows, and how long it was before this file.
  struct Labelled {
    uint32_t column;
    size_t before;
  };
  static constexpr size_t kOther = SIZE_MAX;

  void Learn(Text text) {
    order_.clear();
    missing_.clear();
    for (size_t start = 0, stop = 0; start < text.size(); start = stop + 1) {
      stop = LineEnd(text, start);
      const size_t key = Find(text.substr(start));
      order_.push_back({key, key == kOther ? std::string(Between(text, start, TokenEnd(text, start, stop) + 1)) : ""});
    }
    for (size_t key = 0; key < keys_.size(); key++) {
      const auto is_this = [&](const Line& line) { return line.key == key; };
      if (std::none_of(order_.begin(), order_.end(), is_this)) missing_.push_back(key);
    }
  }

  size_t Find(Text line) const {
    for (size_t key = 0; key < keys_.size(); key++) if (Begins(line, keys_[key].head)) return key;
    return kOther;
  }

  // False when the text is of another make; what has been put in plain columns by then is put again after learning.
  bool Follow(Text text, Sink& sink, bool& good) const {
    good = true;
    size_t line = 0;
    for (size_t start = 0, stop = 0; start < text.size(); start = stop + 1, line++) {
      if (line == order_.size()) return false;
      const Text rest = text.substr(start);
      const Line& expected = order_[line];
      if (expected.key == kOther) {
        if (!Begins(rest, expected.other)) {
          for (const size_t key : missing_) if (Begins(rest, keys_[key].head)) return false;
        }
        stop = LineEnd(text, start);
        continue;
      }
      const Key& key = keys_[expected.key];
      if (!Begins(rest, key.head)) return false;
      const size_t from = start + key.head.size();
      if (key.bare) {
        const char* const end = PutDigits(key.items[0], text.data() + from, text.data() + text.size(), sink);
        if (end != nullptr) {
          stop = static_cast<size_t>(end - text.data());
          continue;
        }
      }
      stop = LineEnd(text, start);
      for (const Item& item : key.items) good = Put(item, Between(text, from, stop), sink) && good;
    }
    return line == order_.size();
  }

  std::vector<Key> keys_;
  std::vector<Labelled> labelled_;
  std::vector<Line> order_;
  // What the last file that was learned from did not have.
  std::vector<size_t> missing_;
};

class Psi : public Format {
 public:
  explicit Psi(Items items) : items_(std::move(items)) {
    for (Item& item : items_) item.key += ' ';
  }
  bool Parse(Text text, Sink& sink) override {
    bool good = true;
    for (size_t start = 0, stop = 0; start < text.size(); start = stop + 1) {
      stop = LineEnd(text, start);
      for (const Item& item : items_) {
        if (!Begins(Between(text, start, stop), item.key)) continue;
        good = PutTotal(item, text, start, stop, sink) && good;
      }
    }
    return good;
  }

 private:
  static bool PutTotal(const Item& item, Text text, size_t start, size_t stop, Sink& sink) {
    constexpr Text kTotal = "total=";
    for (size_t at = start; at < stop; at = TokenEnd(text, at, stop) + 1) {
      if (!Begins(Between(text, at, stop), kTotal)) continue;
      at += kTotal.size();
      return Put(item, Between(text, at, TokenEnd(text, at, stop)), sink);
    }
    return false;
  }
  Items items_;
};

class Count : public Format {
 public:
  explicit Count(Items items) : items_(std::move(items)) {}
  bool Parse(Text text, Sink& sink) override {
    double lines = 0;
    for (size_t start = 0; start < text.size(); start = LineEnd(text, start) + 1) lines++;
    for (const Item& item : items_) sink.Put(item, lines);
    return true;
  }

 private:
  Items items_;
};

class KeyedLines : public Format {
 public:
  explicit KeyedLines(Items items) : items_(std::move(items)) {}
  bool Parse(Text text, Sink& sink) override {
    bool good = true;
    for (size_t start = 0, stop = 0; start < text.size(); start = stop + 1) {
      stop = LineEnd(text, start);
      const size_t blank = TokenEnd(text, start, stop);
      const Text name = Between(text, start, blank);
      for (const Item& item : items_) {
        const Text suffix = item.key;
        if (name.size() < suffix.size() || name.substr(name.size() - suffix.size()) != suffix) continue;
        const Text label = name.substr(0, name.size() - suffix.size());
        good = blank < stop && Put(item, Between(text, blank + 1, stop), sink, label) && good;
      }
    }
    return good;
  }

 private:
  Items items_;
};

// Several names on a line are several groups: io.stat of some 5.x kernels leaves out a newline.
class Nested : public Format {
 public:
  explicit Nested(Items items) : items_(std::move(items)) {
    for (Item& item : items_) item.key += '=';
  }
  bool Parse(Text text, Sink& sink) override {
    bool good = true;
    std::optional<Text> label;
    for (size_t start = 0, stop = 0; start < text.size(); start = stop + 1) {
      stop = TokenEnd(text, start, text.size());
      if (stop == start) continue;
      const Text token = Between(text, start, stop);
      if (token.find('=') == Text::npos) {
        label = token;
        continue;
      }
      for (const Item& item : items_) {
        if (!Begins(token, item.key)) continue;
        good = label && Put(item, token.substr(item.key.size()), sink, *label) && good;
      }
    }
    return good;
  }

 private:
  Items items_;
};

// The sum over all devices, a line `Total n`, has two words and is left out.
class Ops : public Format {
 public:
  explicit Ops(Items items) : items_(std::move(items)) {
    for (Item& item : items_) item.key += ' ';
  }
  bool Parse(Text text, Sink& sink) override {
    bool good = true;
    for (size_t start = 0, stop = 0; start < text.size(); start = stop + 1) {
      stop = LineEnd(text, start);
      const size_t blank = TokenEnd(text, start, stop);
      const Text rest = Between(text, blank + 1, stop);
      for (const Item& item : items_) {
        if (!Begins(rest, item.key)) continue;
        good = Put(item, rest.substr(item.key.size()), sink, Between(text, start, blank)) && good;
      }
    }
    return good;
  }

 private:
  Items items_;
};

class Percpu : public Format {
 public:
  explicit Percpu(Items items) : items_(std::move(items)) {}
  bool Parse(Text text, Sink& sink) override {
    bool good = true;
    size_t cpu = 0;
    for (size_t start = 0, stop = 0; start < text.size(); start = stop + 1) {
      stop = TokenEnd(text, start, text.size());
      if (stop == start) continue;
      if (cpu == names_.size()) names_.push_back(std::to_string(cpu));
      for (const Item& item : items_) good = Put(item, Between(text, start, stop), sink, names_[cpu]) && good;
      cpu++;
    }
    return good;
  }

 private:
  Items items_;
  std::vector<std::string> names_;
};

// `KEY N0=n …` (v2), `KEY=total N0=n …` (v1).
class Numa : public Format {
 public:
  explicit Numa(Items items) : items_(std::move(items)) {}
  bool Parse(Text text, Sink& sink) override {
    bool good = true;
    for (size_t start = 0, stop = 0; start < text.size(); start = stop + 1) {
      stop = LineEnd(text, start);
      const Text line = Between(text, start, stop);
      for (const Item& item : items_) {
        if (line.size() <= item.key.size() || !Begins(line, item.key)) continue;
        const char after = line[item.key.size()];
        if (after == ' ' || after == '=') good = PutNodes(item, line, sink) && good;
      }
    }
    return good;
  }

 private:
  static bool PutNodes(const Item& item, Text line, Sink& sink) {
    bool good = true;
    size_t close = 0;
    for (size_t at = TokenEnd(line, 0, line.size()) + 1; at < line.size(); at = close + 1) {
      close = TokenEnd(line, at, line.size());
      const Text token = Between(line, at, close);
      const size_t equals = token.find('=');
      const bool whole = equals != Text::npos && token[0] == 'N';
      good = whole && Put(item, token.substr(equals + 1), sink, token.substr(1, equals - 1)) && good;
    }
    return good;
  }
  Items items_;
};

std::unique_ptr<Format> FormatOf(At at, Items items) {
  switch (at) {
    case At::kScalar: return std::make_unique<Scalar>(std::move(items));
    case At::kWord: return std::make_unique<Word>(std::move(items));
    case At::kFlat: return std::make_unique<Flat>(std::move(items));
    case At::kPsi: return std::make_unique<Psi>(std::move(items));
    case At::kCount: return std::make_unique<Count>(std::move(items));
    case At::kKeyed: return std::make_unique<KeyedLines>(std::move(items));
    case At::kNested: return std::make_unique<Nested>(std::move(items));
    case At::kOps: return std::make_unique<Ops>(std::move(items));
    case At::kPercpu: return std::make_unique<Percpu>(std::move(items));
    case At::kNuma: return std::make_unique<Numa>(std::move(items));
  }
  return nullptr;
}

// In the order of At.
constexpr std::array<Text, 10> kNames = {"scalar", "word", "flat", "psi", "count", "keyed", "nested", "ops", "percpu", "numa"};

}  // namespace

std::optional<At> AtOf(std::string_view name) {
  const auto found = std::find(kNames.begin(), kNames.end(), name);
  if (found == kNames.end()) return std::nullopt;
  return static_cast<At>(std::distance(kNames.begin(), found));
}

uint32_t Labels::Of(std::string_view text) {
  const auto found = ids_.find(text);
  if (found != ids_.end()) return found->second;
  const auto id = static_cast<uint32_t>(texts_.size());
  texts_.emplace_back(text);
  ids_.emplace(texts_.back(), id);
  return id;
}

Parser::Parser(std::vector<Item> items) {
  for (size_t at = 0; at < kNames.size(); at++) {
    Items own;
    for (const Item& item : items) if (item.at == static_cast<At>(at)) own.push_back(item);
    if (!own.empty()) formats_.push_back(FormatOf(static_cast<At>(at), std::move(own)));
  }
}

bool Parser::Parse(std::string_view text, Sink& sink) {
  bool good = true;
  for (const auto& format : formats_) good = format->Parse(text, sink) && good;
  return good;
}

}  // namespace cgctl
