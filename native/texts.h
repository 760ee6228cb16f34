#pragma once

#include <napi.h>

namespace cgctl {

// Adds readTexts: several small files of a directory at once.
void ExportTexts(Napi::Env env, Napi::Object exports);

}  // namespace cgctl
