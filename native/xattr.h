#pragma once

#include <napi.h>

namespace cgctl {

// Adds getxattr, setxattr and removexattr, which follow no symbolic link (getxattr(2), "l" forms).
void ExportXattr(Napi::Env env, Napi::Object exports);

}  // namespace cgctl
