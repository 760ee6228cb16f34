#include "texts.h"

#include <cmath>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "handles.h"
#include "system.h"

namespace cgctl {
namespace {

constexpr double kMostBytes = 64 * 1024;

// (directory, names, most bytes) -> for each name the file's text, or undefined where it cannot be read
Napi::Value ReadTexts(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const std::string path = StringArgument(info, 0, "directory");
  if (!info[1].IsArray()) throw Napi::TypeError::New(env, "names must be an array");
  const auto names = info[1].As<Napi::Array>();
  std::map<std::string, uint64_t, std::less<>> numbers;
  std::vector<std::string> wanted;
  for (uint32_t i = 0; i < names.Length(); i++) {
    wanted.push_back(TextOf(names.Get(i), "a name"));
    // Nothing but what is in the directory.
    if (wanted.back().find('/') != std::string::npos) throw Napi::TypeError::New(env, "a name must not contain a slash");
    numbers[wanted.back()] = 0;
  }
  const double most = info[2].IsNumber() ? info[2].As<Napi::Number>().DoubleValue() : -1;
  if (!(most >= 0 && most <= kMostBytes && most == std::floor(most))) {
    throw Napi::RangeError::New(env, "most must be a number of bytes, 64 KiB or less");
  }

  Napi::Array texts = Napi::Array::New(env, wanted.size());
  const Fd directory(open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW));
  if (TakesNumbers(directory)) {
    ForEachName(Fd(openat(directory.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)), [&](std::string_view name, uint64_t number) {
      const auto found = numbers.find(name);
      if (found != numbers.end()) found->second = number;
    });
  }
  for (uint32_t i = 0; i < wanted.size(); i++) {
    const uint64_t number = numbers[wanted[i]];
    const Fd file = number != 0 ? OpenNumber(directory, number)
                                : Fd(openat(directory.get(), wanted[i].c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
    std::string text;
    if (file.valid() && ReadText(file, static_cast<size_t>(most), text)) texts.Set(i, Napi::String::New(env, text));
    else texts.Set(i, env.Undefined());
  }
  return texts;
}

}  // namespace

void ExportTexts(Napi::Env env, Napi::Object exports) {
  exports.Set("readTexts", Napi::Function::New(env, ReadTexts, "readTexts"));
}

}  // namespace cgctl
