// The native addon: primitives only; what they are for is decided in TypeScript (src/native.ts).
#include <napi.h>

#include "batch_reader.h"
#include "exposition.h"
#include "texts.h"
#include "watcher.h"
#include "xattr.h"

static Napi::Object Initialise(Napi::Env env, Napi::Object exports) {
  cgctl::ExportXattr(env, exports);
  cgctl::ExportBatchReader(env, exports);
  cgctl::ExportExposition(env, exports);
  cgctl::ExportTexts(env, exports);
  cgctl::ExportWatcher(env, exports);
  return exports;
}

NODE_API_MODULE(cgctl, Initialise)
