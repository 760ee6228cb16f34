#include "fanotify.h"

#include <fcntl.h>
#include <sys/fanotify.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/sysmacros.h>

#include <array>
#include <climits>
#include <cstring>
#include <optional>

namespace cgctl {
namespace {

constexpr size_t kBufferSize = 16 * 1024;
const std::string kKey = "{key}";

// Where a descriptor leads to, as this process sees it; none when it cannot be said or the file is gone.
std::optional<std::string> PathOf(int fd) {
  std::array<char, PATH_MAX> target;
  const ssize_t size = readlink(("/proc/self/fd/" + std::to_string(fd)).c_str(), target.data(), target.size());
  if (size <= 0 || static_cast<size_t>(size) == target.size()) return std::nullopt;
  return std::string(target.data(), static_cast<size_t>(size));
}

// A mount may show a part of its file system only; what happens elsewhere is nobody's here.
bool IsWithin(const std::string& path, const std::string& top) {
  return path.compare(0, top.size(), top) == 0 && (path.size() == top.size() || path[top.size()] == '/');
}

// Something could not be opened, which says nothing of the thing itself.
bool IsScarce(int error) { return error == EMFILE || error == ENFILE || error == ENOMEM; }

// Each event of what a group has to tell now, until there is no more, with what follows its head. Heads want more
// alignment than the kernel gives them: they are copied.
template <typename Handle>
void ForEach(int group, const Tell& tell, Handle&& handle) {
  alignas(fanotify_event_metadata) std::array<char, kBufferSize> buffer;
  while (true) {
    ssize_t size = read(group, buffer.data(), buffer.size());
    // An event whose descriptor cannot be made is dropped by the kernel.
    if (size < 0 && IsScarce(errno)) tell({Change::Kind::kOverflow});
    if (size <= 0) return;
    fanotify_event_metadata event;
    for (const char* at = buffer.data(); size >= static_cast<ssize_t>(sizeof event);) {
      std::memcpy(&event, at, sizeof event);
      if (event.event_len < sizeof event || event.event_len > size) break;
      handle(event, at + sizeof event);
      at += event.event_len;
      size -= event.event_len;
    }
  }
}

}  // namespace

void Names::Add(const std::string& name) {
  const size_t at = name.find(kKey);
  if (at == std::string::npos) {
    exact_.insert(name);
  } else {
    templates_.emplace_back(name.substr(0, at), name.substr(at + kKey.size()));
  }
}

bool Names::Has(const std::string& name) const {
  if (exact_.count(name) > 0) return true;
  for (const auto& [before, after] : templates_) {
    if (name.size() > before.size() + after.size() && name.compare(0, before.size(), before) == 0 &&
        name.compare(name.size() - after.size(), after.size(), after) == 0) {
      return true;
    }
  }
  return false;
}

void FanotifyTree::Open() {
  group_ = Checked(fanotify_init(FAN_CLASS_NOTIF | FAN_CLOEXEC | FAN_NONBLOCK | FAN_REPORT_DFID_NAME, O_RDONLY),
                   "fanotify_init");
}

void FanotifyTree::Mark(uint32_t hierarchy, const std::string& mount_point) {
  Fd root = OpenFile(mount_point, O_RDONLY | O_DIRECTORY);
  struct statfs about;
  if (fstatfs(root.get(), &about) != 0) throw Failure{errno, "fstatfs", mount_point};
  if (fanotify_mark(group_.get(), FAN_MARK_ADD | FAN_MARK_FILESYSTEM, FAN_CREATE | FAN_DELETE | FAN_MODIFY | FAN_ONDIR,
                    AT_FDCWD, mount_point.c_str()) != 0) {
    throw Failure{errno, "fanotify_mark", mount_point};
  }
  // That handles lead to paths is tried once, since a capability of its own is needed for it.
  alignas(file_handle) char space[sizeof(file_handle) + MAX_HANDLE_SZ];
  auto handle = reinterpret_cast<file_handle*>(space);
  handle->handle_bytes = MAX_HANDLE_SZ;
  int mount_id;
  if (name_to_handle_at(root.get(), "", handle, &mount_id, AT_EMPTY_PATH) != 0) {
    throw Failure{errno, "name_to_handle_at", mount_point};
  }
  Checked(open_by_handle_at(root.get(), handle, O_PATH | O_CLOEXEC), "open_by_handle_at", mount_point);
  mounts_.insert_or_assign({about.f_fsid.__val[0], about.f_fsid.__val[1]}, Mounted{hierarchy, mount_point, std::move(root)});
}

const FanotifyTree::Mounted* FanotifyTree::Find(const int* fsid) const {
  const auto found = mounts_.find({fsid[0], fsid[1]});
  return found == mounts_.end() ? nullptr : &found->second;
}

void FanotifyTree::Read(const Names& names, const Tell& tell) {
  ForEach(group_.get(), tell, [&](const fanotify_event_metadata& event, const char* more) {
    if (event.mask & FAN_Q_OVERFLOW) return tell({Change::Kind::kOverflow});
    const bool is_directory = event.mask & FAN_ONDIR;
    const bool is_write = event.mask & FAN_MODIFY;
    if (is_directory == is_write) return;  // a file that comes or goes with its directory
    const auto& info = *reinterpret_cast<const fanotify_event_info_fid*>(more);
    if (event.event_len < sizeof event + sizeof info || info.hdr.info_type != FAN_EVENT_INFO_TYPE_DFID_NAME) return;
    // The handle, with the name after its bytes.
    const auto handle = reinterpret_cast<const file_handle*>(info.handle);
    const std::string name = reinterpret_cast<const char*>(handle->f_handle) + handle->handle_bytes;
    if (is_write && !names.Has(name)) return;
    const auto mounted = Find(info.fsid.val);
    if (mounted == nullptr) return;
    const Fd directory(
        open_by_handle_at(mounted->root.get(), const_cast<file_handle*>(handle), O_PATH | O_CLOEXEC));
    if (!directory.valid()) {
      // Gone since: its parent tells so.
      if (IsScarce(errno)) tell({Change::Kind::kOverflow});
      return;
    }
    const auto path = PathOf(directory.get());
    if (!path || !IsWithin(*path, mounted->mount_point)) return;
    if (is_write) {
      tell({Change::Kind::kWritten, mounted->hierarchy, *path, name, event.pid});
      return;
    }
    // Both may be merged into one event: whoever is told looks at what is there now.
    const auto kind = event.mask & FAN_CREATE ? Change::Kind::kMade : Change::Kind::kRemoved;
    tell({kind, mounted->hierarchy, *path, name, event.pid});
  });
}

void FanotifyWrites::Open() {
  group_ = Checked(fanotify_init(FAN_CLASS_NOTIF | FAN_CLOEXEC | FAN_NONBLOCK, O_RDONLY | O_LARGEFILE | O_CLOEXEC),
                   "fanotify_init");
}

void FanotifyWrites::Mark(uint32_t hierarchy, const std::string& mount_point) {
  struct stat about;
  if (stat(mount_point.c_str(), &about) != 0) throw Failure{errno, "stat", mount_point};
  if (fanotify_mark(group_.get(), FAN_MARK_ADD | FAN_MARK_FILESYSTEM, FAN_MODIFY, AT_FDCWD, mount_point.c_str()) != 0) {
    throw Failure{errno, "fanotify_mark", mount_point};
  }
  hierarchies_[about.st_dev] = {hierarchy, mount_point};
}

void FanotifyWrites::Read(const Names& names, const Tell& tell) {
  ForEach(group_.get(), tell, [&](const fanotify_event_metadata& event, const char*) {
    if (event.mask & FAN_Q_OVERFLOW) return tell({Change::Kind::kOverflow});
    const Fd file(event.fd);
    struct stat about;
    if (!file.valid() || fstat(file.get(), &about) != 0) return;
    const auto found = hierarchies_.find(about.st_dev);
    const auto path = PathOf(file.get());
    if (found == hierarchies_.end() || !path || !IsWithin(*path, found->second.second)) return;
    const size_t slash = path->rfind('/');
    if (slash == std::string::npos || !names.Has(path->substr(slash + 1))) return;
    tell({Change::Kind::kWritten, found->second.first, path->substr(0, slash), path->substr(slash + 1), event.pid});
  });
}

}  // namespace cgctl
