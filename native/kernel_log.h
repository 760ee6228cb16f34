// The kernel's log as it grows (Documentation/ABI/testing/dev-kmsg).
#pragma once

#include <array>
#include <cstdlib>
#include <string>
#include <vector>

#include "fd.h"

namespace cgctl {

class KernelLog {
 public:
  // Records that hold one of the texts, from now on. Throws Failure.
  explicit KernelLog(std::vector<std::string> wanted) : wanted_(std::move(wanted)) {
    log_ = OpenFile("/dev/kmsg", O_RDONLY | O_NONBLOCK);
    lseek(log_.get(), 0, SEEK_END);
  }
  int fd() const { return log_.get(); }

  // Each wanted record that is there now: "6,339,5140900,-;text".
  template <typename Tell>
  void Read(Tell&& tell) {
    std::array<char, 8192> record;  // the kernel's own limit on one (CONSOLE_EXT_LOG_MAX)
    while (true) {
      const ssize_t size = read(log_.get(), record.data(), record.size());
      if (size < 0 && (errno == EPIPE || errno == EINTR)) continue;  // overwritten meanwhile: the next one is read
      if (size <= 0) return;
      std::string text(record.data(), static_cast<size_t>(size));
      for (const auto& each : wanted_) {
        if (text.find(each) == std::string::npos) continue;
        tell(std::move(text));
        break;
      }
    }
  }

 private:
  std::vector<std::string> wanted_;
  Fd log_;
};

// The process that a record speaks of: the number after a text. 0 where there is none.
inline int PidAfter(const std::string& record, const std::string& text) {
  const size_t at = text.empty() ? std::string::npos : record.find(text);
  return at == std::string::npos ? 0 : std::atoi(record.c_str() + at + text.size());
}

}  // namespace cgctl
