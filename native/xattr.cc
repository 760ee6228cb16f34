#include "xattr.h"

#include <sys/xattr.h>

#include <cerrno>
#include <vector>

#include "system.h"

namespace cgctl {
namespace {

bool IsAbsent(int error) { return error == ENODATA || error == ENOTSUP; }

// (path, name) -> Buffer, or undefined where there is none or the file system has no such attributes
Napi::Value Get(const Napi::CallbackInfo& info) {
  const std::string path = StringArgument(info, 0, "path");
  const std::string name = StringArgument(info, 1, "name");
  std::vector<char> value(256);
  while (true) {
    const ssize_t size = lgetxattr(path.c_str(), name.c_str(), value.data(), value.size());
    if (size >= 0) return Napi::Buffer<char>::Copy(info.Env(), value.data(), static_cast<size_t>(size));
    if (IsAbsent(errno)) return info.Env().Undefined();
    // The kernel's limit (XATTR_SIZE_MAX) is 64 KiB, so this ends.
    if (errno != ERANGE) throw SystemError(info.Env(), errno, "getxattr", path);
    value.resize(value.size() * 4);
  }
}

// (path, name, bytes)
void Set(const Napi::CallbackInfo& info) {
  const std::string path = StringArgument(info, 0, "path");
  const std::string name = StringArgument(info, 1, "name");
  if (!info[2].IsTypedArray()) throw Napi::TypeError::New(info.Env(), "value must be a Buffer or Uint8Array");
  const auto value = info[2].As<Napi::Uint8Array>();
  if (lsetxattr(path.c_str(), name.c_str(), value.Data(), value.ByteLength(), 0) != 0) {
    throw SystemError(info.Env(), errno, "setxattr", path);
  }
}

// (path, name) -> whether there was one
Napi::Value Remove(const Napi::CallbackInfo& info) {
  const std::string path = StringArgument(info, 0, "path");
  const std::string name = StringArgument(info, 1, "name");
  const bool removed = lremovexattr(path.c_str(), name.c_str()) == 0;
  if (!removed && !IsAbsent(errno)) throw SystemError(info.Env(), errno, "removexattr", path);
  return Napi::Boolean::New(info.Env(), removed);
}

}  // namespace

void ExportXattr(Napi::Env env, Napi::Object exports) {
  exports.Set("getxattr", Napi::Function::New(env, Get, "getxattr"));
  exports.Set("setxattr", Napi::Function::New(env, Set, "setxattr"));
  exports.Set("removexattr", Napi::Function::New(env, Remove, "removexattr"));
}

}  // namespace cgctl
