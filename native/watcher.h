#pragma once

#include <napi.h>

namespace cgctl {

// Adds the class Watcher.
void ExportWatcher(Napi::Env env, Napi::Object exports);

}  // namespace cgctl
