#pragma once

#include <napi.h>

namespace cgctl {

// Adds the function putLines.
void ExportExposition(Napi::Env env, Napi::Object exports);

}  // namespace cgctl
