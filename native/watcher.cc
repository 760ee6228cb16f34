// Everything that the kernel tells of cgroups, by one epoll thread and one thread-safe function:
// - v1's notifications through an eventfd (admin-guide/cgroup-v1/memory.rst, section 9): the kernel keeps the
//   registration until the eventfd is closed or the cgroup removed, and signals the eventfd at removal too;
// - v2's files that are modified (inotify on the file itself: a directory's watch hears nothing of the kernel's own
//   changes), and pressure triggers (accounting/psi.rst);
// - directories made and removed, files written, by fanotify, or by inotify on directories;
// - the kernel's log.
//
// A notification says only when to look, and a group may be gone a moment later: so the thread looks at once, itself,
// and hands the text on. What it means is decided in TypeScript (src/monitor/).
//
// The end comes first from whichever is first: close(), the collection of the object, or the environment's end
// (clean-up hook: process exit, worker's end). Each stops the thread through an eventfd, joins it, and only then
// lets go of what it used.
#include "watcher.h"

#include <pthread.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/timerfd.h>
#include <time.h>

#include <algorithm>
#include <array>
#include <climits>
#include <cmath>
#include <memory>
#include <mutex>
#include <optional>
#include <system_error>
#include <thread>
#include <unordered_map>

#include "fanotify.h"
#include "inbox.h"
#include "kernel_log.h"
#include "system.h"

namespace cgctl {
namespace {

// Epoll entries that are no key; keys begin above.
enum : Key { kWake, kTimer, kInotify, kTree, kWrites, kLog, kFirstKey };
constexpr double kMaxKey = 9007199254740991;  // Number.MAX_SAFE_INTEGER
constexpr size_t kMostText = 16 * 1024;
constexpr double kLongestLook = 24 * 60 * 60 * 1e3;  // ms

double Now() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<double>(now.tv_sec) * 1e3 + static_cast<double>(now.tv_nsec) / 1e6;
}

std::string CommandOf(int pid) {
  std::string command;
  if (pid <= 0 || !ReadText("/proc/" + std::to_string(pid) + "/comm", 64, command)) return "";
  if (!command.empty() && command.back() == '\n') command.pop_back();
  return command;
}

enum class Mechanism { kEventfd, kModify, kTrigger, kDirectory };

// A kind of file that is watched, the same for many groups.
struct Spec {
  Mechanism mechanism;
  std::string file;
  std::string control;              // eventfd: the file that registrations are written to
  std::vector<std::string> beside;  // read too when the file has changed
  std::vector<double> looks;        // further looks after a signal, in ms after it
  uint32_t hierarchy = 0;           // directory: which one it belongs to
  bool writes = false;              // directory: whether writes to its files are told
};

// One file of one group.
struct Entry {
  std::shared_ptr<const Spec> spec;
  std::string directory;
  Fd fd;        // the eventfd or the trigger
  int wd = -1;  // the inotify watch
  std::string seen;
  double signalled = 0;
  size_t turn = 0;
  double due = 0;  // the next look; 0 is none
  std::string path() const { return directory + "/" + spec->file; }
};

double NumberOf(Napi::Value value, const char* name) {
  const double number = value.IsNumber() ? value.As<Napi::Number>().DoubleValue() : -1;
  if (!(number >= 0)) throw Napi::TypeError::New(value.Env(), std::string(name) + " must be a number, 0 or more");
  return number;
}

Napi::Number ToNumber(Napi::Env env, uint64_t value) { return Napi::Number::New(env, static_cast<double>(value)); }

Napi::Array ToArray(Napi::Env env, const std::vector<std::string>& texts) {
  auto array = Napi::Array::New(env, texts.size());
  for (uint32_t i = 0; i < texts.size(); i++) array[i] = Napi::String::New(env, texts[i]);
  return array;
}

const char* NameOf(Note::Kind kind) {
  switch (kind) {
    case Note::Kind::kText: return "text";
    case Note::Kind::kEnded: return "ended";
    case Note::Kind::kMade: return "made";
    case Note::Kind::kRemoved: return "removed";
    case Note::Kind::kWritten: return "written";
    case Note::Kind::kLog: return "log";
    case Note::Kind::kLost: return "lost";
  }
  return "";
}

Napi::Object ToObject(Napi::Env env, const Note& note) {
  auto object = Napi::Object::New(env);
  object["kind"] = NameOf(note.kind);
  switch (note.kind) {
    case Note::Kind::kText:
      object["turn"] = note.turn;
      object["at"] = note.at;
      object["texts"] = ToArray(env, note.texts);
      [[fallthrough]];
    case Note::Kind::kEnded:
      object["key"] = ToNumber(env, note.key);
      break;
    case Note::Kind::kLog:
      object["text"] = note.texts[0];
      if (note.texts.size() > 1) object["groups"] = note.texts[1];
      break;
    case Note::Kind::kMade: {
      auto keys = Napi::Array::New(env, note.keys.size());
      for (uint32_t i = 0; i < note.keys.size(); i++) {
        if (note.keys[i] != kNoKey) keys[i] = ToNumber(env, note.keys[i]);
      }
      object["keys"] = keys;
      [[fallthrough]];
    }
    case Note::Kind::kRemoved:
    case Note::Kind::kWritten:
      object["hierarchy"] = note.hierarchy;
      object["directory"] = note.directory;
      object["name"] = note.name;
      if (note.pid > 0) object["pid"] = note.pid;
      if (!note.command.empty()) object["command"] = note.command;
      break;
    case Note::Kind::kLost:
      break;
  }
  return object;
}

void Deliver(Napi::Env env, Napi::Function callback, Inbox* inbox, void*) {
  if (env == nullptr) return;  // the environment ends
  const std::vector<Note> notes = inbox->Take();
  if (notes.empty()) return;  // closed meanwhile, or told by an earlier call
  const Napi::HandleScope scope(env);
  auto array = Napi::Array::New(env, notes.size());
  for (uint32_t i = 0; i < notes.size(); i++) array[i] = ToObject(env, notes[i]);
  try {
    callback.Call({array});
  } catch (const Napi::Error& error) {
    // An uncaughtException, as from any callback (Node 20 would swallow it).
    napi_fatal_exception(env, error.Value());
  }
}

using Wakener = Napi::TypedThreadSafeFunction<Inbox, void, Deliver>;

// A method's body, with the kernel's refusals as JavaScript's errors.
template <typename Body>
auto Refusable(Napi::Env env, Body&& body) {
  try {
    return body();
  } catch (const Failure& failure) {
    throw SystemError(env, failure.error, failure.syscall, failure.path);
  }
}

class Watcher : public Napi::ObjectWrap<Watcher> {
 public:
  static Napi::Function Define(Napi::Env env) {
    return DefineClass(env, "Watcher",
                       {
                           InstanceMethod<&Watcher::AddSpec>("define"),
                           InstanceMethod<&Watcher::Add>("add"),
                           InstanceMethod<&Watcher::Remove>("remove"),
                           InstanceMethod<&Watcher::SetNames>("names"),
                           InstanceMethod<&Watcher::SetBirths>("births"),
                           InstanceMethod<&Watcher::MarkTree>("markTree"),
                           InstanceMethod<&Watcher::MarkWrites>("markWrites"),
                           InstanceMethod<&Watcher::ReadLog>("kernelLog"),
                           InstanceMethod<&Watcher::Close>("close"),
                           InstanceMethod<&Watcher::Ref>("ref"),
                           InstanceMethod<&Watcher::Unref>("unref"),
                       });
  }

  // (callback: (notes) => void, most eventfds that are registered at births)
  explicit Watcher(const Napi::CallbackInfo& info) : ObjectWrap(info), env_(info.Env()) {
    if (!info[0].IsFunction()) throw Napi::TypeError::New(env_, "callback must be a function");
    if (!info[1].IsUndefined()) {
      const double most = NumberOf(info[1], "mostEventfds");
      if (most <= kMaxKey) most_eventfds_ = static_cast<size_t>(most);
    }
    Refusable(env_, [&] {
      epoll_ = Checked(epoll_create1(EPOLL_CLOEXEC), "epoll_create1");
      wake_ = Checked(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), "eventfd");
      timer_ = Checked(timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK), "timerfd_create");
      inotify_ = Checked(inotify_init1(IN_CLOEXEC | IN_NONBLOCK), "inotify_init1");
      Poll(wake_.get(), kWake);
      Poll(timer_.get(), kTimer);
      Poll(inotify_.get(), kInotify);
    });

    inbox_ = new Inbox;
    wakener_ = Wakener::New(env_, info[0].As<Napi::Function>(), "cgctl.Watcher", 0, 1, inbox_,
                            [](Napi::Env, void*, Inbox* inbox) { delete inbox; });
    wakener_.Unref(env_);
    try {
      StartThread();
    } catch (const std::system_error& error) {
      wakener_.Release();
      throw SystemError(env_, error.code().value(), "pthread_create", "");
    }
    // Registered after the thread-safe function's own, so run before it.
    napi_add_env_cleanup_hook(env_, AtEnvironmentEnd, this);
    open_ = true;
  }

  ~Watcher() override {
    if (!open_) return;
    napi_remove_env_cleanup_hook(env_, AtEnvironmentEnd, this);
    Stop();
  }

 private:
  // ({mechanism, file?, control?, beside?, looks?, hierarchy?}) -> its number, for add() and births()
  Napi::Value AddSpec(const Napi::CallbackInfo& info) {
    if (!info[0].IsObject()) throw Napi::TypeError::New(env_, "spec must be an object");
    const auto given = info[0].As<Napi::Object>();
    auto spec = std::make_shared<Spec>();
    const std::string mechanism = TextOf(given.Get("mechanism"), "mechanism");
    static const std::map<std::string, Mechanism> mechanisms = {{"eventfd", Mechanism::kEventfd},
                                                                {"modify", Mechanism::kModify},
                                                                {"trigger", Mechanism::kTrigger},
                                                                {"directory", Mechanism::kDirectory}};
    const auto found = mechanisms.find(mechanism);
    if (found == mechanisms.end()) throw Napi::TypeError::New(env_, "no mechanism " + mechanism);
    spec->mechanism = found->second;
    if (spec->mechanism != Mechanism::kDirectory) spec->file = TextOf(given.Get("file"), "file");
    if (spec->mechanism == Mechanism::kEventfd) spec->control = TextOf(given.Get("control"), "control");
    if (given.Get("hierarchy").IsNumber()) spec->hierarchy = given.Get("hierarchy").ToNumber().Uint32Value();
    spec->writes = given.Get("writes").ToBoolean();
    for (const std::string& each : Texts(given.Get("beside"), "beside")) spec->beside.push_back(each);
    if (given.Get("looks").IsArray()) {
      const auto looks = given.Get("looks").As<Napi::Array>();
      for (uint32_t i = 0; i < looks.Length(); i++) {
        const double look = NumberOf(looks.Get(i), "looks");
        if (look > kLongestLook) throw Napi::RangeError::New(env_, "looks must be within a day");
        spec->looks.push_back(look);
      }
    }
    specs_.push_back(std::move(spec));
    return ToNumber(env_, specs_.size() - 1);
  }

  // (spec, directory, arguments?) -> key
  Napi::Value Add(const Napi::CallbackInfo& info) {
    if (!open_) throw SystemError(env_, EBADF, "add", "");
    const auto spec = SpecArgument(info[0]);
    const std::string directory = StringArgument(info, 1, "directory");
    const std::string arguments = info[2].IsUndefined() ? "" : StringArgument(info, 2, "args");
    return Refusable(env_, [&] {
      const std::lock_guard lock(mutex_);
      return ToNumber(env_, Register(spec, directory, arguments));
    });
  }

  // (key) -> whether it was watched; nothing more is heard of it but what is on its way
  Napi::Value Remove(const Napi::CallbackInfo& info) {
    const double key = info[0].IsNumber() ? info[0].As<Napi::Number>().DoubleValue() : -1;
    if (!(key >= 0 && key <= kMaxKey && key == std::floor(key))) {
      throw Napi::TypeError::New(env_, "key must be a safe integer, 0 or more");
    }
    const std::lock_guard lock(mutex_);
    const auto found = entries_.find(static_cast<Key>(key));
    if (found == entries_.end()) return Napi::Boolean::New(env_, false);
    Drop(found->first);
    return Napi::Boolean::New(env_, true);
  }

  // (names): files whose being written is told
  void SetNames(const Napi::CallbackInfo& info) {
    const std::lock_guard lock(mutex_);
    for (const std::string& name : Texts(info[0], "names")) names_.Add(name);
  }

  // (hierarchy, specs): what is registered in every directory that is made there
  void SetBirths(const Napi::CallbackInfo& info) {
    const uint32_t hierarchy = HierarchyArgument(info);
    if (!info[1].IsArray()) throw Napi::TypeError::New(env_, "specs must be an array");
    const auto given = info[1].As<Napi::Array>();
    std::vector<std::shared_ptr<const Spec>> specs;
    for (uint32_t i = 0; i < given.Length(); i++) specs.push_back(SpecArgument(given.Get(i)));
    const std::lock_guard lock(mutex_);
    births_[hierarchy] = std::move(specs);
  }

  // (hierarchy, mount point)
  void MarkTree(const Napi::CallbackInfo& info) { Mark(info, tree_, kTree); }
  void MarkWrites(const Napi::CallbackInfo& info) { Mark(info, writes_, kWrites); }

  template <typename Group>
  void Mark(const Napi::CallbackInfo& info, Group& group, Key entry) {
    if (!open_) throw SystemError(env_, EBADF, "mark", "");
    const uint32_t hierarchy = HierarchyArgument(info);
    const std::string mount_point = StringArgument(info, 1, "mountPoint");
    Refusable(env_, [&] {
      const std::lock_guard lock(mutex_);
      if (group.fd() < 0) {
        group.Open();
        Poll(group.fd(), entry);
      }
      group.Mark(hierarchy, mount_point);
    });
  }

  // (texts, before a pid): records with one of the texts; for one with the second, the groups of the process it names
  void ReadLog(const Napi::CallbackInfo& info) {
    auto wanted = Texts(info[0], "texts");
    std::string before_pid = StringArgument(info, 1, "beforePid");
    if (!open_) throw SystemError(env_, EBADF, "kernelLog", "");
    Refusable(env_, [&] {
      auto log = std::make_unique<KernelLog>(std::move(wanted));
      const std::lock_guard lock(mutex_);
      log_ = std::move(log);
      before_pid_ = std::move(before_pid);
      Poll(log_->fd(), kLog);
    });
  }

  void Close(const Napi::CallbackInfo&) {
    if (!open_) return;
    napi_remove_env_cleanup_hook(env_, AtEnvironmentEnd, this);
    Stop();
  }

  void Ref(const Napi::CallbackInfo&) {
    if (open_) wakener_.Ref(env_);
  }

  void Unref(const Napi::CallbackInfo&) {
    if (open_) wakener_.Unref(env_);
  }

  static void AtEnvironmentEnd(void* watcher) { static_cast<Watcher*>(watcher)->Stop(); }

  void Stop() {
    open_ = false;
    const uint64_t one = 1;
    // Into an empty eventfd this cannot fail.
    if (write(wake_.get(), &one, sizeof one) == sizeof one) thread_.join();
    entries_.clear();
    watches_.clear();
    tree_ = FanotifyTree();
    writes_ = FanotifyWrites();
    log_.reset();
    for (Fd* fd : {&inotify_, &timer_, &wake_, &epoll_}) *fd = Fd();
    inbox_->Take();
    wakener_.Release();  // no call comes after: the thread, its only other user, has ended
  }

  void StartThread() {
    // Signals are the main thread's.
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    try {
      thread_ = std::thread([this] { Listen(); });
    } catch (...) {
      pthread_sigmask(SIG_SETMASK, &before, nullptr);
      throw;
    }
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
  }

  // What follows is under the lock, on either thread. Throws Failure.

  Key Register(const std::shared_ptr<const Spec>& spec, const std::string& directory, const std::string& arguments) {
    Entry entry;
    entry.spec = spec;
    entry.directory = directory;
    const Key key = next_key_;
    switch (spec->mechanism) {
      case Mechanism::kEventfd: {
        entry.fd = Checked(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), "eventfd");
        // Both are needed only for the registration itself.
        const Fd target = OpenFile(entry.path(), O_RDONLY);
        const std::string control_path = directory + "/" + spec->control;
        const Fd control = OpenFile(control_path, O_WRONLY);
        std::string line = std::to_string(entry.fd.get()) + " " + std::to_string(target.get());
        if (!arguments.empty()) line += " " + arguments;
        if (write(control.get(), line.data(), line.size()) < 0) throw Failure{errno, "write", control_path};
        Poll(entry.fd.get(), key);
        eventfds_++;
        break;
      }
      case Mechanism::kTrigger:
        // One trigger a descriptor; it ends with it.
        entry.fd = OpenFile(entry.path(), O_RDWR | O_NONBLOCK);
        if (write(entry.fd.get(), arguments.c_str(), arguments.size() + 1) < 0) throw Failure{errno, "write", entry.path()};
        Poll(entry.fd.get(), key, EPOLLPRI);
        break;
      case Mechanism::kModify:
        entry.wd = Watch(entry.path(), IN_MODIFY | IN_DONT_FOLLOW);
        break;
      case Mechanism::kDirectory:
        entry.wd = Watch(directory, IN_CREATE | IN_DELETE | IN_ONLYDIR | IN_DONT_FOLLOW | (spec->writes ? IN_MODIFY : 0));
        break;
    }
    if (entry.wd >= 0) watches_[entry.wd].push_back(key);
    if (spec->mechanism == Mechanism::kModify) ReadText(entry.path(), kMostText, entry.seen);
    entries_.emplace(key, std::move(entry));
    next_key_++;
    return key;
  }

  int Watch(const std::string& path, uint32_t mask) {
    const int wd = inotify_add_watch(inotify_.get(), path.c_str(), mask);
    if (wd < 0) throw Failure{errno, "inotify_add_watch", path};
    return wd;
  }

  void Drop(Key key) {
    const auto found = entries_.find(key);
    Entry& entry = found->second;
    if (entry.fd.valid()) {
      // Closing would take it out of the epoll set too, but not while a fork of this process holds a copy.
      epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, entry.fd.get(), nullptr);
      if (entry.spec->mechanism == Mechanism::kEventfd) eventfds_--;
    }
    if (entry.due > 0) due_.erase({entry.due, key});
    const auto watch = watches_.find(entry.wd);
    if (watch != watches_.end()) {
      auto& keys = watch->second;
      keys.erase(std::remove(keys.begin(), keys.end(), key), keys.end());
      if (keys.empty()) {
        inotify_rm_watch(inotify_.get(), entry.wd);
        watches_.erase(watch);
      }
    }
    entries_.erase(found);
  }

  void Poll(int fd, Key key, uint32_t events = EPOLLIN) {
    epoll_event event{};
    event.events = events;
    event.data.u64 = key;
    if (epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) != 0) throw Failure{errno, "epoll_ctl", ""};
  }

  // The thread.

  void Listen() {
    std::array<epoll_event, 64> events;
    while (true) {
      const int ready = epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()), -1);
      for (int i = 0; i < ready; i++) {
        if (events[i].data.u64 == kWake) return;
        const std::lock_guard lock(mutex_);
        Handle(events[i].data.u64, events[i].events);
      }
    }
  }

  void Handle(Key source, uint32_t events) {
    switch (source) {
      case kTimer: return LookAgain();
      case kInotify: return ReadInotify();
      case kTree: return tree_.Read(names_, [this](Change&& change) { Tell(std::move(change)); });
      case kWrites: return writes_.Read(names_, [this](Change&& change) { Tell(std::move(change)); });
      case kLog: return TellLog();
      default: return Signalled(source, events);
    }
  }

  void Signalled(Key key, uint32_t events) {
    const auto found = entries_.find(key);
    if (found == entries_.end()) return;  // removed since
    Entry& entry = found->second;
    if (entry.spec->mechanism == Mechanism::kTrigger) {
      // The source is gone, and this would be told for ever.
      if (events & EPOLLERR) return End(key);
    } else {
      uint64_t count;
      if (read(entry.fd.get(), &count, sizeof count) != sizeof count) return;
    }
    FirstLook(key, entry);
  }

  void FirstLook(Key key, Entry& entry) {
    entry.signalled = Now();
    entry.turn = 0;
    if (Look(key, entry)) Schedule(key, entry);
  }

  // Reads the file and tells what is new. Returns false when the group is gone: so is the entry then.
  bool Look(Key key, Entry& entry) {
    Note note;
    note.texts.resize(1);
    if (!ReadText(entry.path(), kMostText, note.texts[0])) {
      if (errno == ENOENT || errno == ENODEV) {
        End(key);
        return false;
      }
      note.texts[0].clear();
    }
    const bool is_new = note.texts[0] != entry.seen;
    if (!is_new && entry.turn > 0) return true;
    entry.seen = note.texts[0];
    for (const auto& file : entry.spec->beside) {
      note.texts.emplace_back();
      if (is_new && !ReadText(entry.directory + "/" + file, kMostText, note.texts.back())) note.texts.back().clear();
    }
    note.kind = Note::Kind::kText;
    note.key = key;
    note.at = entry.signalled;
    note.turn = static_cast<uint32_t>(entry.turn);
    Tell(std::move(note));
    return true;
  }

  void Schedule(Key key, Entry& entry) {
    if (entry.due > 0) due_.erase({entry.due, key});
    const auto& looks = entry.spec->looks;
    entry.due = entry.turn < looks.size() ? entry.signalled + looks[entry.turn] : 0;
    if (entry.due <= 0) return;
    const bool is_next = due_.empty() || entry.due < due_.begin()->first;
    due_.insert({entry.due, key});
    if (is_next) SetTimer();
  }

  void LookAgain() {
    uint64_t count;
    if (read(timer_.get(), &count, sizeof count) != sizeof count) return;
    const double now = Now();
    while (!due_.empty() && due_.begin()->first <= now) {
      const Key key = due_.begin()->second;
      due_.erase(due_.begin());
      Entry& entry = entries_.find(key)->second;
      entry.due = 0;
      entry.turn++;
      if (Look(key, entry)) Schedule(key, entry);
    }
    SetTimer();
  }

  void SetTimer() {
    itimerspec setting{};
    if (!due_.empty()) {
      const double due = due_.begin()->first;
      setting.it_value.tv_sec = static_cast<time_t>(due / 1e3);
      setting.it_value.tv_nsec = static_cast<long>(std::fmod(due, 1e3) * 1e6);
    }
    timerfd_settime(timer_.get(), TFD_TIMER_ABSTIME, &setting, nullptr);
  }

  void ReadInotify() {
    alignas(inotify_event) char buffer[16 * 1024];
    for (ssize_t size; (size = read(inotify_.get(), buffer, sizeof buffer)) > 0;) {
      for (ssize_t at = 0; at < size;) {
        const auto& event = *reinterpret_cast<const inotify_event*>(buffer + at);
        at += static_cast<ssize_t>(sizeof event + event.len);
        if (event.mask & IN_Q_OVERFLOW) Tell(Note());
        else Notified(event);
      }
    }
  }

  void Notified(const inotify_event& event) {
    const auto watch = watches_.find(event.wd);
    if (watch == watches_.end()) return;
    if (event.mask & IN_IGNORED) {
      for (const Key key : std::vector<Key>(watch->second)) End(key);
      return;
    }
    for (const Key key : std::vector<Key>(watch->second)) {
      Entry& entry = entries_.find(key)->second;
      if (entry.spec->mechanism == Mechanism::kModify) FirstLook(key, entry);
      else if (event.len > 0) Told(entry, event);
    }
  }

  // Of a directory, by inotify.
  void Told(const Entry& entry, const inotify_event& event) {
    const std::string name = event.name;
    Change change{Change::Kind::kWritten, entry.spec->hierarchy, entry.directory, name};
    if (event.mask & IN_ISDIR) {
      change.kind = event.mask & IN_CREATE ? Change::Kind::kMade : Change::Kind::kRemoved;
    } else if (!(event.mask & IN_MODIFY) || !names_.Has(name)) {
      return;
    }
    Tell(std::move(change));
  }

  void End(Key key) {
    Drop(key);
    Note note;
    note.kind = Note::Kind::kEnded;
    note.key = key;
    Tell(std::move(note));
  }

  void Tell(Change&& change) {
    Note note;
    switch (change.kind) {
      case Change::Kind::kOverflow: return Tell(std::move(note));
      case Change::Kind::kMade:
        note.kind = Note::Kind::kMade;
        note.keys = Welcome(change);
        break;
      case Change::Kind::kRemoved: note.kind = Note::Kind::kRemoved; break;
      case Change::Kind::kWritten: note.kind = Note::Kind::kWritten; break;
    }
    note.at = Now();
    note.hierarchy = change.hierarchy;
    note.directory = std::move(change.directory);
    note.name = std::move(change.name);
    note.pid = change.pid;
    note.command = CommandOf(change.pid);
    Tell(std::move(note));
  }

  // Registers what a new directory has to tell, before anything happens in it.
  std::vector<Key> Welcome(const Change& change) {
    std::vector<Key> keys;
    const auto found = births_.find(change.hierarchy);
    if (found == births_.end()) return keys;
    const std::string directory = change.directory + "/" + change.name;
    for (const auto& spec : found->second) {
      keys.push_back(kNoKey);
      if (spec->mechanism == Mechanism::kEventfd && eventfds_ >= most_eventfds_) continue;
      try {
        keys.back() = Register(spec, directory, "");
      } catch (const Failure&) {
        keys.back() = kNoKey;  // gone again, or no descriptor left: it is looked at from TypeScript
      }
    }
    return keys;
  }

  void TellLog() {
    log_->Read([this](std::string&& record) {
      Note note;
      note.kind = Note::Kind::kLog;
      std::string groups;
      const int pid = PidAfter(record, before_pid_);
      const bool known = pid > 0 && ReadText("/proc/" + std::to_string(pid) + "/cgroup", kMostText, groups);
      note.texts.push_back(std::move(record));
      if (known) note.texts.push_back(std::move(groups));
      Tell(std::move(note));
    });
  }

  void Tell(Note&& note) {
    if (inbox_->Add(std::move(note))) wakener_.NonBlockingCall();
  }

  // Arguments.

  std::vector<std::string> Texts(Napi::Value given, const char* name) {
    std::vector<std::string> texts;
    if (given.IsUndefined()) return texts;
    if (!given.IsArray()) throw Napi::TypeError::New(env_, std::string(name) + " must be an array");
    const auto array = given.As<Napi::Array>();
    for (uint32_t i = 0; i < array.Length(); i++) texts.push_back(TextOf(array.Get(i), name));
    return texts;
  }

  std::shared_ptr<const Spec> SpecArgument(Napi::Value given) {
    const double at = given.IsNumber() ? given.ToNumber().DoubleValue() : -1;
    if (!(at >= 0 && at < static_cast<double>(specs_.size()))) throw Napi::TypeError::New(env_, "no such spec");
    return specs_[static_cast<size_t>(at)];
  }

  uint32_t HierarchyArgument(const Napi::CallbackInfo& info) {
    if (!info[0].IsNumber()) throw Napi::TypeError::New(env_, "hierarchy must be a number");
    return info[0].ToNumber().Uint32Value();
  }

  Napi::Env env_;
  bool open_ = false;
  Fd epoll_, wake_, timer_, inotify_;
  std::vector<std::shared_ptr<const Spec>> specs_;  // JavaScript's alone

  std::mutex mutex_;  // over what follows, up to the inbox
  std::unordered_map<Key, Entry> entries_;
  std::unordered_map<int, std::vector<Key>> watches_;  // by inotify's watch descriptor
  std::set<std::pair<double, Key>> due_;
  std::unordered_map<uint32_t, std::vector<std::shared_ptr<const Spec>>> births_;
  Names names_;
  FanotifyTree tree_;
  FanotifyWrites writes_;
  std::unique_ptr<KernelLog> log_;
  std::string before_pid_;
  Key next_key_ = kFirstKey;
  size_t eventfds_ = 0;
  size_t most_eventfds_ = SIZE_MAX;

  Inbox* inbox_ = nullptr;  // the thread-safe function's
  Wakener wakener_;
  std::thread thread_;
};

}  // namespace

void ExportWatcher(Napi::Env env, Napi::Object exports) { exports.Set("Watcher", Watcher::Define(env)); }

}  // namespace cgctl
