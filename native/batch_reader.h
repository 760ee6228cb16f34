#pragma once

#include <napi.h>

namespace cgctl {

// Adds the class BatchReader.
void ExportBatchReader(Napi::Env env, Napi::Object exports);

}  // namespace cgctl
