// Reads batches of control files on a thread of libuv's pool and puts the figures in them into columns in place.
//
// One batch runs at a time. While it does, its thread alone touches the groups, the steps' parsers and the sink; the
// JavaScript thread changes none of them then (EBUSY). The batch holds references to this object and to the arrays that
// it fills, and has a copy of its own of what it trusts.
//
// A file that does not stay open is opened by its handle (open_by_handle_at(2)) where that may be done: it takes less time than the
// way along its path, and the kernel keeps nothing of it afterwards, while each name that was once looked up has an entry in its caches.
//
// An end may come while a batch runs: close() makes it stop at its next file, and what was open is closed when it has.
// An environment that ends waits for the pool's work first and finalises its objects then, which closes the rest.
#include "batch_reader.h"

#include <fcntl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <limits>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "figures.h"
#include "handles.h"
#include "system.h"

namespace cgctl {
namespace {

// What came of a file. `Outcome` in src/monitor/reader.ts.
enum Outcome : uint8_t { kRead, kAbsent, kFailed, kMalformed };

// seq_file hands out a page at a time of files that are lists: a shorter answer is the file's end.
constexpr size_t kPage = 4096;
constexpr size_t kLongestRecord = 128;
constexpr uint32_t kMostColumns = 65'536;

struct Hierarchy {
  // How many bytes of a group's path lead to the mount.
  size_t skip;
  Fd directory;
  // Why the directory could not be opened; its files cannot be either.
  int error;
  // Files can be opened by their inode's number.
  bool by_number;
  // The steps that read a file of that name.
  std::map<std::string, std::vector<size_t>, std::less<>> steps = {};
};

struct Step {
  size_t hierarchy;
  std::string file;
  // Files of lower rank are read more often.
  uint32_t rank;
  std::vector<uint32_t> plain;
  Parser parser;
};

struct Group {
  // Empty where no group has the handle.
  std::string path;
  // By step.
  std::vector<Fd> files;
  // By step: the inode's number; 0 where it is not known.
  std::vector<uint64_t> numbers;
};

double Monotonic() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / 1e9;
}

bool IsGone(int error) { return error == ENOENT || error == ENODEV || error == ENOTDIR || error == ESTALE; }

// Arrays of one call of read(), and the promise for it.
struct Batch {
  std::vector<int32_t> groups, steps, rows;
  uint8_t* outcomes = nullptr;
  double* times = nullptr;
  uint32_t level = 0;
  size_t spare = 0;
  // Added to the monotonic clock for times.
  double offset = 0;
  napi_deferred deferred = nullptr;
  napi_async_work work = nullptr;
  Napi::ObjectReference arrays;
  size_t known_labels = 0;
};

template <typename Array, napi_typedarray_type kType>
Array ArrayOf(const Napi::Value& value, const char* name) {
  if (!value.IsTypedArray() || value.As<Napi::TypedArray>().TypedArrayType() != kType) {
    throw Napi::TypeError::New(value.Env(), std::string(name) + " must be a typed array of its kind");
  }
  return value.As<Array>();
}

std::vector<int32_t> NumbersOf(const Napi::Value& value, const char* name) {
  const auto array = ArrayOf<Napi::Int32Array, napi_int32_array>(value, name);
  return {array.Data(), array.Data() + array.ElementLength()};
}

uint32_t Whole(const Napi::Env& env, const Napi::Value& value, const char* name) {
  const double number = value.IsNumber() ? value.As<Napi::Number>().DoubleValue() : -1;
  if (!(number >= 0 && number <= std::numeric_limits<uint32_t>::max() && number == static_cast<uint32_t>(number))) {
    throw Napi::TypeError::New(env, std::string(name) + " must be a whole number, 0 or more");
  }
  return static_cast<uint32_t>(number);
}

template <typename Array, typename Element>
Array Copied(Napi::Env env, const std::vector<Element>& from) {
  Array array = Array::New(env, from.size());
  if (!from.empty()) memcpy(array.Data(), from.data(), from.size() * sizeof(Element));
  return array;
}

class BatchReader : public Napi::ObjectWrap<BatchReader> {
 public:
  static Napi::Function Define(Napi::Env env) {
    return DefineClass(env, "BatchReader",
                       {
                           InstanceMethod<&BatchReader::DefineStep>("define"),
                           InstanceMethod<&BatchReader::Add>("add"),
                           InstanceMethod<&BatchReader::Remove>("remove"),
                           InstanceMethod<&BatchReader::Read>("read"),
                           InstanceMethod<&BatchReader::Close>("close"),
                           InstanceAccessor<&BatchReader::Open>("open"),
                       });
  }

  // ({path, skip}[], number of columns, budget, the number from which on a limit is none)
  explicit BatchReader(const Napi::CallbackInfo& info) : ObjectWrap(info) {
    const Napi::Env env = info.Env();
    if (!info[0].IsArray()) throw Napi::TypeError::New(env, "hierarchies must be an array");
    const auto list = info[0].As<Napi::Array>();
    for (uint32_t i = 0; i < list.Length(); i++) {
      const Napi::Value value = list.Get(i);
      if (!value.IsObject()) throw Napi::TypeError::New(env, "a hierarchy must be an object");
      const auto object = value.As<Napi::Object>();
      const std::string path = TextOf(object.Get("path"), "path");
      Fd directory(open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
      const int error = directory.valid() ? 0 : errno;
      const bool by_number = TakesNumbers(directory);
      hierarchies_.push_back({Whole(env, object.Get("skip"), "skip"), std::move(directory), error, by_number});
    }
    const uint32_t columns = Whole(env, info[1], "columns");
    if (columns > kMostColumns) throw Napi::RangeError::New(env, "there are too many columns");
    sink_.keyed.resize(columns);
    budget_ = Whole(env, info[2], "budget");
    if (!info[3].IsNumber()) throw Napi::TypeError::New(env, "noLimit must be a number");
    no_limit_ = info[3].As<Napi::Number>().DoubleValue();
    buffer_.resize(64 * 1024);
  }

 private:
  // A call that has to have this object for itself. Looking its arguments up may run JavaScript, which may call again: that
  // is EBUSY too.
  class Turn {
   public:
    Turn(BatchReader& reader, Napi::Env env, const char* call) : reader_(reader) {
      if (reader.closed_) throw SystemError(env, EBADF, call, "");
      if (reader.batch_ != nullptr || reader.in_turn_) throw SystemError(env, EBUSY, call, "");
      reader.in_turn_ = true;
    }
    ~Turn() {
      reader_.in_turn_ = false;
      if (reader_.closed_ && reader_.batch_ == nullptr) reader_.CloseAll();
    }
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;

   private:
    BatchReader& reader_;
  };

  // ({hierarchy, file, rank, items}) -> the step's number
  Napi::Value DefineStep(const Napi::CallbackInfo& info) {
    const Napi::Env env = info.Env();
    const Turn turn(*this, env, "define");
    if (!info[0].IsObject()) throw Napi::TypeError::New(env, "a step must be an object");
    const auto spec = info[0].As<Napi::Object>();
    const uint32_t hierarchy = Whole(env, spec.Get("hierarchy"), "hierarchy");
    if (hierarchy >= hierarchies_.size()) throw Napi::RangeError::New(env, "there is no such hierarchy");
    if (!spec.Get("items").IsArray()) throw Napi::TypeError::New(env, "items must be an array");
    const auto list = spec.Get("items").As<Napi::Array>();
    std::vector<Item> items;
    std::vector<uint32_t> plain;
    for (uint32_t i = 0; i < list.Length(); i++) {
      const Napi::Value value = list.Get(i);
      if (!value.IsObject()) throw Napi::TypeError::New(env, "an item must be an object");
      items.push_back(ItemOf(env, value.As<Napi::Object>()));
      if (!items.back().keyed) plain.push_back(items.back().column);
    }
    const std::string file = TextOf(spec.Get("file"), "file");
    hierarchies_[hierarchy].steps[file].push_back(steps_.size());
    steps_.push_back({hierarchy, file, Whole(env, spec.Get("rank"), "rank"), std::move(plain), Parser(std::move(items))});
    return Napi::Number::New(env, static_cast<double>(steps_.size() - 1));
  }

  Item ItemOf(Napi::Env env, const Napi::Object& spec) {
    Item item{};
    const std::string name = TextOf(spec.Get("at"), "at");
    const auto at = AtOf(name);
    if (!at) throw Napi::RangeError::New(env, "there is no format " + name);
    item.at = *at;
    item.column = Whole(env, spec.Get("column"), "column");
    if (item.column >= sink_.keyed.size()) throw Napi::RangeError::New(env, "there is no such column");
    item.keyed = spec.Get("keyed").ToBoolean();
    item.no_limit = no_limit_;
    const auto text = [&](const char* member) -> std::optional<std::string> {
      const Napi::Value value = spec.Get(member);
      if (value.IsUndefined()) return std::nullopt;
      return TextOf(value, member);
    };
    item.key = text("key").value_or("");
    item.equals = text("equals");
    item.unlimited = text("unlimited");
    if (const auto label = text("label")) item.label = sink_.labels.Of(*label);
    if (!spec.Get("index").IsUndefined()) item.index = Whole(env, spec.Get("index"), "index");
    if (spec.Get("per").IsNumber()) item.per = spec.Get("per").As<Napi::Number>().DoubleValue();
    return item;
  }

  // (path) -> handle
  Napi::Value Add(const Napi::CallbackInfo& info) {
    const Turn turn(*this, info.Env(), "add");
    std::string path = StringArgument(info, 0, "path");
    if (path.empty() || path[0] != '/') throw Napi::TypeError::New(info.Env(), "path must be absolute");
    size_t handle = groups_.size();
    if (free_.empty()) {
      groups_.emplace_back();
    } else {
      handle = free_.back();
      free_.pop_back();
    }
    groups_[handle].path = std::move(path);
    return Napi::Number::New(info.Env(), static_cast<double>(handle));
  }

  // (handle): its descriptors are closed
  void Remove(const Napi::CallbackInfo& info) {
    const Turn turn(*this, info.Env(), "remove");
    const uint32_t handle = Whole(info.Env(), info[0], "handle");
    if (handle >= groups_.size() || groups_[handle].path.empty()) return;
    std::vector<Fd>& files = groups_[handle].files;
    for (size_t step = 0; step < files.size(); step++) Release(files[step], steps_[step]);
    groups_[handle] = Group();
    free_.push_back(handle);
  }

  // ({groups, steps, rows, outcomes, times, columns, level, spare, now}) -> promise of {keyed, labels}
  Napi::Value Read(const Napi::CallbackInfo& info) {
    const Napi::Env env = info.Env();
    const Turn turn(*this, env, "read");
    if (!info[0].IsObject()) throw Napi::TypeError::New(env, "a batch must be an object");
    const auto spec = info[0].As<Napi::Object>();
    auto batch = std::make_unique<Batch>();
    // All is looked up before any of it is used: arrays may be detached meanwhile, and this be closed.
    const Napi::Value groups = spec.Get("groups"), steps = spec.Get("steps"), rows = spec.Get("rows");
    const Napi::Value given_outcomes = spec.Get("outcomes"), given_times = spec.Get("times");
    batch->level = Whole(env, spec.Get("level"), "level");
    batch->spare = Whole(env, spec.Get("spare"), "spare");
    const Napi::Value now = spec.Get("now");
    if (!now.IsNumber()) throw Napi::TypeError::New(env, "now must be a number");
    batch->offset = now.As<Napi::Number>().DoubleValue() - Monotonic();
    const std::vector<Napi::Value> columns = ColumnsOf(spec);
    if (closed_) throw SystemError(env, EBADF, "read", "");

    batch->groups = NumbersOf(groups, "groups");
    batch->steps = NumbersOf(steps, "steps");
    batch->rows = NumbersOf(rows, "rows");
    auto outcomes = ArrayOf<Napi::Uint8Array, napi_uint8_array>(given_outcomes, "outcomes");
    auto times = ArrayOf<Napi::Float64Array, napi_float64_array>(given_times, "times");
    for (const size_t length : {batch->steps.size(), batch->rows.size(), outcomes.ElementLength(), times.ElementLength()}) {
      if (length != batch->groups.size()) throw Napi::RangeError::New(env, "the arrays of a batch must be of one length");
    }
    batch->outcomes = outcomes.Data();
    batch->times = times.Data();
    // Held by an array of our own: the caller's could be changed meanwhile.
    const auto held = Napi::Array::New(env);
    held.Set(held.Length(), outcomes);
    held.Set(held.Length(), times);
    const std::vector<size_t> lengths = TakeColumns(columns, held);
    Check(env, *batch, lengths);
    batch->arrays = Napi::Persistent(held.As<Napi::Object>());
    batch->known_labels = known_labels_;

    napi_value promise;
    napi_value name = Napi::String::New(env, "cgctl.BatchReader");
    if (napi_create_promise(env, &batch->deferred, &promise) != napi_ok ||
        napi_create_async_work(env, nullptr, name, Execute, Complete, this, &batch->work) != napi_ok) {
      throw Napi::Error::New(env);
    }
    batch_ = std::move(batch);
    Ref();
    if (napi_queue_async_work(env, batch_->work) != napi_ok) {
      Unref();
      batch_.reset();
      throw Napi::Error::New(env);
    }
    return Napi::Value(env, promise);
  }

  std::vector<Napi::Value> ColumnsOf(const Napi::Object& spec) const {
    const Napi::Value given = spec.Get("columns");
    if (!given.IsArray()) throw Napi::TypeError::New(spec.Env(), "columns must be an array");
    const auto list = given.As<Napi::Array>();
    std::vector<Napi::Value> columns;
    for (uint32_t i = 0; i < list.Length() && i < sink_.keyed.size(); i++) columns.push_back(list.Get(i));
    return columns;
  }

  // Where figures may go. Returns the columns' lengths: 0 for what is none.
  std::vector<size_t> TakeColumns(const std::vector<Napi::Value>& columns, const Napi::Array& held) {
    std::vector<size_t> lengths(sink_.keyed.size());
    sink_.plain.assign(sink_.keyed.size(), nullptr);
    for (size_t i = 0; i < columns.size(); i++) {
      const Napi::Value& value = columns[i];
      if (!value.IsTypedArray() || value.As<Napi::TypedArray>().TypedArrayType() != napi_float64_array) continue;
      auto column = value.As<Napi::Float64Array>();
      lengths[i] = column.ElementLength();
      sink_.plain[i] = column.Data();
      held.Set(held.Length(), column);
    }
    return lengths;
  }

  // The thread trusts what is in the arrays.
  void Check(Napi::Env env, const Batch& batch, const std::vector<size_t>& lengths) {
    std::vector<int32_t> last(steps_.size(), -1);
    for (size_t i = 0; i < batch.groups.size(); i++) {
      const auto group = static_cast<uint32_t>(batch.groups[i]);
      const auto step = static_cast<uint32_t>(batch.steps[i]);
      if (group >= groups_.size() || groups_[group].path.empty()) throw Napi::RangeError::New(env, "there is no such group");
      if (step >= steps_.size()) throw Napi::RangeError::New(env, "there is no such step");
      if (batch.rows[i] < 0) throw Napi::RangeError::New(env, "there is no such row");
      last[step] = std::max(last[step], batch.rows[i]);
    }
    for (size_t step = 0; step < steps_.size(); step++) {
      for (const uint32_t column : steps_[step].plain) {
        if (last[step] >= 0 && lengths[column] <= static_cast<size_t>(last[step])) {
          throw Napi::RangeError::New(env, "a column is shorter than its rows");
        }
      }
    }
  }

  // Closing again does nothing.
  void Close(const Napi::CallbackInfo&) {
    closed_ = true;
    if (batch_ == nullptr && !in_turn_) CloseAll();
  }

  Napi::Value Open(const Napi::CallbackInfo& info) {
    return Napi::Number::New(info.Env(), static_cast<double>(open_.load(std::memory_order_relaxed)));
  }

  void CloseAll() {
    groups_.clear();
    free_.clear();
    hierarchies_.clear();
    open_ = 0;
  }

  static void Execute(napi_env, void* reader) { static_cast<BatchReader*>(reader)->Run(); }

  static void Complete(napi_env env, napi_status, void* reader) { static_cast<BatchReader*>(reader)->Conclude(env); }

  // The pool's thread.
  void Run() {
    Batch& batch = *batch_;
    if (batch.level < level_ || (batch.level == level_ && extra_ > batch.spare)) ReleaseFrom(batch.level);
    if (batch.level != level_) extra_ = 0;
    level_ = batch.level;
    Spent spent;
    for (size_t i = 0; i < batch.groups.size(); i++) {
      if (closed_) return;
      batch.times[i] = Monotonic() + batch.offset;
      Group& group = groups_[static_cast<size_t>(batch.groups[i])];
      batch.outcomes[i] = ReadFile(group, static_cast<size_t>(batch.steps[i]), batch.rows[i], spent);
    }
  }

  Outcome ReadFile(Group& group, size_t number, int32_t row, Spent& spent) {
    Step& step = steps_[number];
    sink_.row = row;
    for (const uint32_t column : step.plain) sink_.plain[column][row] = std::numeric_limits<double>::quiet_NaN();
    if (group.files.size() <= number) group.files.resize(steps_.size());
    Fd& kept = group.files[number];
    Fd passing;
    if (!kept.valid()) {
      Hierarchy& hierarchy = hierarchies_[step.hierarchy];
      if (hierarchy.error != 0) return IsGone(hierarchy.error) ? kAbsent : kFailed;
      const bool keep = MayKeep(step);
      const auto open = [&] { return keep ? OpenPath(group, hierarchy, step.file) : OpenPassing(group, hierarchy, number); };
      passing = open();
      // There may be none left for those that are not closed yet.
      if (!passing.valid() && (errno == EMFILE || errno == ENFILE) && spent.Close()) passing = open();
      if (!passing.valid()) return IsGone(errno) ? kAbsent : kFailed;
      if (keep) {
        kept = std::move(passing);
        open_++;
        if (step.rank == level_) extra_++;
      }
    }
    const ssize_t length = ReadAll(kept.valid() ? kept.get() : passing.get());
    const int error = length < 0 ? errno : 0;
    if (passing.valid()) spent.Add(std::move(passing));
    if (length >= 0) {
      const std::string_view text(buffer_.data(), static_cast<size_t>(length));
      return step.parser.Parse(text, sink_) ? kRead : kMalformed;
    }
    if (!IsGone(error)) return kFailed;
    Release(kept, step);
    return kAbsent;
  }

  // The name is a file's of the group, or "" for its directory.
  Fd OpenPath(const Group& group, const Hierarchy& hierarchy, const std::string& name, int flags = 0) {
    return Fd(openat(hierarchy.directory.get(), PathOf(group, hierarchy, name), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | flags));
  }

  Fd OpenPassing(Group& group, const Hierarchy& hierarchy, size_t number) {
    if (!hierarchy.by_number) return OpenPath(group, hierarchy, steps_[number].file);
    if (group.numbers.size() <= number) group.numbers.resize(steps_.size());
    uint64_t& inode = group.numbers[number];
    if (inode != 0) {
      Fd file = OpenNumber(hierarchy.directory, inode);
      // The file may have been taken away and be there again.
      if (file.valid() || errno != ESTALE) return file;
      inode = 0;
    }
    FindNumbers(group, hierarchy);
    return inode == 0 ? OpenPath(group, hierarchy, steps_[number].file) : OpenNumber(hierarchy.directory, inode);
  }

  // Of all files in the group's directory that steps read.
  void FindNumbers(Group& group, const Hierarchy& hierarchy) {
    ForEachName(OpenPath(group, hierarchy, "", O_DIRECTORY), [&](std::string_view name, uint64_t inode) {
      const auto found = hierarchy.steps.find(name);
      if (found == hierarchy.steps.end()) return;
      for (const size_t step : found->second) {
        if (step < group.numbers.size()) group.numbers[step] = inode;
      }
    });
  }

  bool MayKeep(const Step& step) const {
    if (open_ >= budget_ || step.rank > level_) return false;
    return step.rank < level_ || extra_ < batch_->spare;
  }

  // Below the hierarchy's directory.
  const char* PathOf(const Group& group, const Hierarchy& hierarchy, const std::string& name) {
    path_.assign(group.path, std::min(hierarchy.skip, group.path.size()), std::string::npos);
    if (!path_.empty() && !name.empty()) path_ += '/';
    path_ += name;
    if (path_.empty()) path_ = ".";
    return path_.c_str();
  }

  // All of a file into the buffer. Returns the number of bytes, or -1 with errno.
  ssize_t ReadAll(int fd) {
    size_t length = 0;
    while (true) {
      // Not pread(): in a process with threads the C library prepares for each call's cancellation.
      const ssize_t got = syscall(SYS_pread64, fd, buffer_.data() + length, buffer_.size() - length, static_cast<off_t>(length));
      if (got < 0) return -1;
      length += static_cast<size_t>(got);
      if (length == buffer_.size()) {
        buffer_.resize(2 * length);
      } else if (static_cast<size_t>(got) < kPage - kLongestRecord) {
        return static_cast<ssize_t>(length);
      }
    }
  }

  void Release(Fd& file, const Step& step) {
    if (!file.valid()) return;
    file = Fd();
    open_--;
    if (step.rank == level_) extra_--;
  }

  void ReleaseFrom(uint32_t rank) {
    for (Group& group : groups_) {
      for (size_t step = 0; step < group.files.size(); step++) {
        if (steps_[step].rank >= rank) Release(group.files[step], steps_[step]);
      }
    }
  }

  // JavaScript's thread again. The environment may be ending: then nothing can be told, and the outcomes are lost.
  void Conclude(napi_env raw) {
    const std::unique_ptr<Batch> batch = std::move(batch_);
    napi_delete_async_work(raw, batch->work);
    const Napi::Env env(raw);
    const Napi::HandleScope scope(env);
    try {
      if (closed_) {
        CloseAll();
        napi_reject_deferred(raw, batch->deferred, SystemError(env, ECANCELED, "read", "").Value());
      } else {
        napi_resolve_deferred(raw, batch->deferred, ResultOf(env, *batch));
      }
    } catch (const Napi::Error&) {
      // Only where JavaScript can no longer run.
      closed_ = true;
      CloseAll();
    }
    Unref();
  }

  Napi::Value ResultOf(Napi::Env env, const Batch& batch) {
    Napi::Object result = Napi::Object::New(env);
    Napi::Array keyed = Napi::Array::New(env);
    for (uint32_t column = 0; column < sink_.keyed.size(); column++) {
      Keyed& figures = sink_.keyed[column];
      if (figures.row.empty()) continue;
      Napi::Object one = Napi::Object::New(env);
      one.Set("column", column);
      one.Set("row", Copied<Napi::Int32Array>(env, figures.row));
      one.Set("label", Copied<Napi::Int32Array>(env, figures.label));
      one.Set("value", Copied<Napi::Float64Array>(env, figures.value));
      keyed.Set(keyed.Length(), one);
      figures.row.clear();
      figures.label.clear();
      figures.value.clear();
    }
    // Bytes: JavaScript makes the same text of them as of its own.
    Napi::Array labels = Napi::Array::New(env);
    const std::vector<std::string>& all = sink_.labels.all();
    for (size_t i = batch.known_labels; i < all.size(); i++) {
      labels.Set(labels.Length(), Napi::Buffer<char>::Copy(env, all[i].data(), all[i].size()));
    }
    known_labels_ = all.size();
    result.Set("keyed", keyed);
    result.Set("labels", labels);
    return result;
  }

  std::vector<Hierarchy> hierarchies_;
  std::vector<Step> steps_;
  std::vector<Group> groups_;
  std::vector<uint32_t> free_;
  Sink sink_;
  size_t budget_ = 0;
  double no_limit_ = 0;
  std::atomic<size_t> open_{0};
  // Files of lower rank stay open, and so many of this one.
  uint32_t level_ = 0;
  size_t extra_ = 0;
  size_t known_labels_ = 0;
  std::string buffer_;
  std::string path_;
  std::atomic<bool> closed_{false};
  bool in_turn_ = false;
  std::unique_ptr<Batch> batch_;
};

}  // namespace

void ExportBatchReader(Napi::Env env, Napi::Object exports) {
  exports.Set("BatchReader", BatchReader::Define(env));
}

}  // namespace cgctl
