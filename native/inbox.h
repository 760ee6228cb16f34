// What the watching thread has seen and JavaScript has not yet been told.
#pragma once

#include <cstdint>
#include <mutex>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace cgctl {

// Names what is watched. JavaScript's safe integers, counted up, so none is used twice.
using Key = uint64_t;
constexpr Key kNoKey = ~Key{0};

struct Note {
  enum class Kind { kText, kEnded, kMade, kRemoved, kWritten, kLog, kLost };
  Kind kind = Kind::kLost;
  Key key = kNoKey;            // text, ended
  double at = 0;               // when the kernel signalled, CLOCK_MONOTONIC in ms
  uint32_t turn = 0;           // text: which look after the signal; 0 is the first
  std::vector<std::string> texts;  // text: the file's and those beside it; log: the record, and the process's groups
  uint32_t hierarchy = 0;      // made, removed, written
  std::string directory = {};
  std::string name = {};
  int pid = 0;
  std::string command = {};
  std::vector<Key> keys = {};  // made: what was registered at once, in the order of the hierarchy's specs
};

// Bounded: a reader that sleeps costs no more than this, and is told that it missed something.
class Inbox {
 public:
  // The thread's. Returns whether JavaScript has to be woken for it.
  bool Add(Note&& note) {
    const std::lock_guard lock(mutex_);
    if (notes_.size() < kMost) {
      notes_.push_back(std::move(note));
    } else if (!std::exchange(lost_, true)) {
      notes_.emplace_back();
    }
    return !std::exchange(woken_, true);
  }
  // JavaScript's: what is there now; what comes later wakes it again.
  std::vector<Note> Take() {
    const std::lock_guard lock(mutex_);
    woken_ = false;
    lost_ = false;
    return std::exchange(notes_, {});
  }

 private:
  static constexpr size_t kMost = 100'000;
  std::mutex mutex_;
  std::vector<Note> notes_;
  bool woken_ = false;
  bool lost_ = false;
};

}  // namespace cgctl
