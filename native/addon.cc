// The native addon: primitives only; what they are for is decided in TypeScript (src/native.ts).
#include <malloc.h>
#include <napi.h>

#include "batch_reader.h"
#include "exposition.h"
#include "texts.h"
#include "watcher.h"
#include "xattr.h"

// Each look makes columns and the next ones free them. glibc would take such blocks from its heaps once it has seen the first one
// freed (mallopt(3), dynamic mmap threshold), and what lies between them would keep those heaps large. They are pages of their own.
static void KeepHeapsSmall() {
#ifdef __GLIBC__
  mallopt(M_MMAP_THRESHOLD, 128 * 1024);
#endif
}

static Napi::Object Initialise(Napi::Env env, Napi::Object exports) {
  KeepHeapsSmall();
  cgctl::ExportXattr(env, exports);
  cgctl::ExportBatchReader(env, exports);
  cgctl::ExportExposition(env, exports);
  cgctl::ExportTexts(env, exports);
  cgctl::ExportWatcher(env, exports);
  return exports;
}

NODE_API_MODULE(cgctl, Initialise)
