// What happens in whole file systems (fanotify(7)): directories made and removed, files written, and by whom.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "fd.h"

namespace cgctl {

// File names: exact ones, and templates in which "{key}" stands for anything.
class Names {
 public:
  void Add(const std::string& name);
  bool Has(const std::string& name) const;

 private:
  std::set<std::string> exact_;
  std::vector<std::pair<std::string, std::string>> templates_;  // what is before and after the key
};

struct Change {
  enum class Kind { kMade, kRemoved, kWritten, kOverflow };
  Kind kind;
  uint32_t hierarchy = 0;
  std::string directory = {};  // absolute path
  std::string name = {};       // in it: of the child made or removed, or of the file written
  pid_t pid = 0;          // whose doing; 0 is unknown (kernel, another PID namespace)
};

using Tell = std::function<void(Change&&)>;

// Directories and writes by name, of kernels whose cgroup file systems can be told apart (they have an fsid: 6.6 has,
// 6.1 answers ENODEV). Events name directories by file handle, so nothing needs to be known of them beforehand.
class FanotifyTree {
 public:
  // Both throw Failure: EPERM without CAP_SYS_ADMIN and CAP_DAC_READ_SEARCH, ENODEV, ENOSYS, EINVAL (old kernels).
  void Open();
  void Mark(uint32_t hierarchy, const std::string& mount_point);
  int fd() const { return group_.get(); }
  void Read(const Names& names, const Tell& tell);

 private:
  struct Mounted {
    uint32_t hierarchy;
    std::string mount_point;
    Fd root;
  };
  const Mounted* Find(const int* fsid) const;

  Fd group_;
  std::map<std::pair<int, int>, Mounted> mounts_;
};

// Writes alone, for kernels without the above: each event brings the file's descriptor.
class FanotifyWrites {
 public:
  // Both throw Failure.
  void Open();
  void Mark(uint32_t hierarchy, const std::string& mount_point);
  int fd() const { return group_.get(); }
  void Read(const Names& names, const Tell& tell);

 private:
  Fd group_;
  std::map<dev_t, std::pair<uint32_t, std::string>> hierarchies_;  // with their mount points
};

}  // namespace cgctl
