// Small tools for the primitives: descriptors with one owner, arguments, and the kernel's errors as JavaScript's.
#pragma once

#include <napi.h>
#include <uv.h>

#include <string>

#include "fd.h"

namespace cgctl {

// An Error shaped as Node's own: "ENOENT: no such file or directory, open '/x'", with code, errno, syscall and path.
inline Napi::Error SystemError(Napi::Env env, int error, const char* syscall, const std::string& path) {
  // Not uv_err_name() and uv_strerror(): of a number that they do not know, these leave memory behind.
  char code[32], meaning[128];
  uv_err_name_r(-error, code, sizeof code);
  uv_strerror_r(-error, meaning, sizeof meaning);
  Napi::Error made = Napi::Error::New(
      env, std::string(code) + ": " + meaning + ", " + syscall + (path.empty() ? "" : " '" + path + "'"));
  made.Set("code", code);
  made.Set("errno", static_cast<double>(-error));
  made.Set("syscall", syscall);
  if (!path.empty()) made.Set("path", path);
  return made;
}

// Text that the kernel can take: it ends strings at NUL.
inline std::string TextOf(Napi::Value value, const char* name) {
  if (!value.IsString()) throw Napi::TypeError::New(value.Env(), std::string(name) + " must be a string");
  std::string text = value.As<Napi::String>();
  if (text.find('\0') != std::string::npos) {
    throw Napi::TypeError::New(value.Env(), std::string(name) + " must not contain NUL");
  }
  return text;
}

inline std::string StringArgument(const Napi::CallbackInfo& info, size_t index, const char* name) {
  return TextOf(info[index], name);
}

}  // namespace cgctl
