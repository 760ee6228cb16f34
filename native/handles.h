// Files by their inode's number: to open one so takes less time than the way along its path, and the kernel keeps nothing of it
// afterwards, while each name that was once looked up has an entry in its caches.
#pragma once

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <cstdint>
#include <cstring>
#include <string_view>

#include "fd.h"

namespace cgctl {

// A handle as cgroup file systems give it since Linux 5.5 (FILEID_KERNFS of include/linux/exportfs.h): the inode's number.
class Handle {
 public:
  static constexpr int kType = 0xfe;
  Handle() { head()->handle_bytes = sizeof(uint64_t); }
  explicit Handle(uint64_t number) : Handle() {
    head()->handle_type = kType;
    memcpy(head()->f_handle, &number, sizeof number);
  }
  file_handle* head() { return reinterpret_cast<file_handle*>(space_); }

 private:
  alignas(file_handle) char space_[sizeof(file_handle) + sizeof(uint64_t)] = {};
};

inline Fd OpenNumber(const Fd& within, uint64_t number) {
  return Fd(open_by_handle_at(within.get(), Handle(number).head(), O_RDONLY | O_CLOEXEC));
}

// Whether the handles of a directory's file system are numbers, and this process may use them (CAP_DAC_READ_SEARCH).
inline bool TakesNumbers(const Fd& directory) {
  Handle handle;
  int mount_id;
  struct stat about;
  if (!directory.valid() || fstat(directory.get(), &about) != 0) return false;
  if (name_to_handle_at(directory.get(), "", handle.head(), &mount_id, AT_EMPTY_PATH) != 0) return false;
  const uint64_t number = about.st_ino;
  return handle.head()->handle_type == Handle::kType && handle.head()->handle_bytes == sizeof number &&
         memcmp(handle.head()->f_handle, &number, sizeof number) == 0 && OpenNumber(directory, number).valid();
}

// Calls with each name in a directory and its inode's number. To list looks up none of them.
template <typename Call>
void ForEachName(Fd directory, Call&& call) {
  DIR* const list = directory.valid() ? fdopendir(directory.get()) : nullptr;
  if (list == nullptr) return;
  directory.Release();
  while (const dirent* entry = readdir(list)) call(std::string_view(entry->d_name), static_cast<uint64_t>(entry->d_ino));
  closedir(list);
}

}  // namespace cgctl
