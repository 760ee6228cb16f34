// Descriptors with one owner, and what went wrong with one, without JavaScript: threads use them too.
#pragma once

#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <string>
#include <utility>

namespace cgctl {

// A descriptor, closed once, by its owner's end.
class Fd {
 public:
  Fd() = default;
  explicit Fd(int fd) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Fd& operator=(Fd&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  Fd(const Fd&) = delete;
  Fd& operator=(const Fd&) = delete;
  ~Fd() {
    if (fd_ >= 0) close(fd_);
  }
  int get() const { return fd_; }
  bool valid() const { return fd_ >= 0; }
  // The caller's from now on.
  int Release() { return std::exchange(fd_, -1); }

 private:
  int fd_ = -1;
};

// Descriptors that nobody needs any more. Some are gathered first: those whose numbers follow one another, as most do once the gaps
// between others are taken, are closed by one system call.
class Spent {
 public:
  Spent() = default;
  Spent(const Spent&) = delete;
  Spent& operator=(const Spent&) = delete;
  ~Spent() { Close(); }
  void Add(Fd fd) {
    if (count_ == numbers_.size()) Close();
    numbers_[count_++] = fd.Release();
  }
  // Returns whether there were any.
  bool Close() {
    if (count_ == 0) return false;
    int* const end = numbers_.data() + count_;
    std::sort(numbers_.data(), end);
    for (int* first = numbers_.data(); first < end;) {
      int* next = first + 1;
      while (next < end && *next == next[-1] + 1) next++;
      // close_range(2) is of Linux 5.9, and may be filtered. For one alone close(2) takes less.
      if (next - first == 1 || syscall(SYS_close_range, *first, next[-1], 0) != 0) {
        for (; first < next; first++) close(*first);
      }
      first = next;
    }
    count_ = 0;
    return true;
  }

 private:
  std::array<int, 64> numbers_;
  size_t count_ = 0;
};

// A system call that the kernel refused.
struct Failure {
  int error;
  const char* syscall;
  std::string path;
};

// The result of a system call that yields a descriptor. Throws Failure.
inline Fd Checked(int result, const char* syscall, const std::string& path = "") {
  if (result < 0) throw Failure{errno, syscall, path};
  return Fd(result);
}

// Open a file below a hierarchy: never through a symbolic link, never inherited. Throws Failure.
inline Fd OpenFile(const std::string& path, int flags) {
  return Checked(open(path.c_str(), flags | O_CLOEXEC | O_NOFOLLOW), "open", path);
}

// The text of a small file, cut at a size; false where it cannot be read (then errno says why).
inline bool ReadText(const Fd& fd, size_t most, std::string& text) {
  // Its own: a text that is kept is to take no more than it needs.
  thread_local std::string buffer;
  if (buffer.size() < most) buffer.resize(most);
  size_t got = 0;
  while (got < most) {
    const ssize_t read_now = read(fd.get(), buffer.data() + got, most - got);
    if (read_now < 0) return false;
    if (read_now == 0) break;
    got += static_cast<size_t>(read_now);
  }
  text.assign(buffer, 0, got);
  return true;
}

inline bool ReadText(const std::string& path, size_t most, std::string& text) {
  const Fd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  return fd.valid() && ReadText(fd, most, text);
}

}  // namespace cgctl
