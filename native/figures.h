// Finds declared figures in the text of a control file: the rules of src/monitor/formats.ts, figure for figure.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace cgctl {

// The `at` of a Format (src/controllers/controller.ts), in the order in which a file's formats are parsed.
enum class At { kScalar, kWord, kFlat, kPsi, kCount, kKeyed, kNested, kOps, kPercpu, kNuma };

std::optional<At> AtOf(std::string_view name);

// Texts as numbers, given out in the order in which they are first seen.
class Labels {
 public:
  uint32_t Of(std::string_view text);
  const std::vector<std::string>& all() const { return texts_; }

 private:
  std::map<std::string, uint32_t, std::less<>> ids_;
  std::vector<std::string> texts_;
};

// A figure that is wanted of a file, and where it goes.
struct Item {
  At at;
  // The flat or numa key, the psi line, the keyed suffix, the nested field, the op.
  std::string key;
  uint32_t index = 0;
  std::optional<double> per;
  std::optional<std::string> equals;
  std::optional<std::string> unlimited;
  // From here on a limit means none.
  double no_limit = 0;
  uint32_t column = 0;
  // The column has figures by label.
  bool keyed = false;
  // The label that the file's name gives.
  std::optional<uint32_t> label;
};

// Figures of one column by label.
struct Keyed {
  std::vector<int32_t> row;
  std::vector<int32_t> label;
  std::vector<double> value;

  void Cut(size_t size) {
    row.resize(size);
    label.resize(size);
    value.resize(size);
  }
};

// Where figures go. Plain columns are written at `row`, keyed ones grow.
struct Sink {
  // By column; null for keyed ones and those that are not part of the batch.
  std::vector<double*> plain;
  std::vector<Keyed> keyed;
  int32_t row = 0;
  Labels labels;

  void Put(const Item& item, double value) {
    if (item.keyed) {
      PutLabelled(item, value, item.label ? *item.label : labels.Of(""));
    } else {
      plain[item.column][row] = value;
    }
  }
  void Put(const Item& item, double value, std::string_view label) {
    if (item.keyed) {
      PutLabelled(item, value, item.label ? *item.label : labels.Of(label));
    } else {
      plain[item.column][row] = value;
    }
  }

 private:
  void PutLabelled(const Item& item, double value, uint32_t label) {
    Keyed& to = keyed[item.column];
    to.row.push_back(row);
    to.label.push_back(static_cast<int32_t>(label));
    to.value.push_back(value);
  }
};

// One format of a file.
class Format {
 public:
  virtual ~Format() = default;
  // False when something that was wanted is not in the shape that its format says.
  virtual bool Parse(std::string_view text, Sink& sink) = 0;
};

// All that is wanted of a file.
class Parser {
 public:
  explicit Parser(std::vector<Item> items);
  bool Parse(std::string_view text, Sink& sink);

 private:
  std::vector<std::unique_ptr<Format>> formats_;
};

}  // namespace cgctl
