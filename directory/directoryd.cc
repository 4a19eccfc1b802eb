// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "directory/directoryd.h"

#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "directory/account.h"
#include "directory/activation.h"
#include "directory/bindings_files.h"
#include "directory/directoryd_usage.h"
#include "directory/notifier.h"
#include "directory/place.h"
#include "directory/place_holder.h"
#include "directory/program.h"
#include "directory/server.h"
#include "directory/usage.h"
#include "event/base/log.h"
#include "event/base/sys.h"
#include "event/base/unique_fd.h"
#include "event/process.h"
#include "transports/unix_socket/unix_socket.h"

namespace le {
namespace directory {

namespace sys = event::sys;
using event::LogLevel;

namespace {

// An option that limits each user, and the quota that it concerns.
struct LimitOption {
  const char* name;
  uint32_t Limits::*limit;
  Quota Accounts::*quota;
};
constexpr LimitOption kLimitOptions[] = {
    {"--max_connections", &Limits::connections, &Accounts::connections},
    {"--max_half_open", &Limits::silent, &Accounts::silent},
    {"--max_waiting", &Limits::waiting_clients, &Accounts::waiting},
    {"--max_services", &Limits::services, &Accounts::services},
};

struct Flags {
  std::string socket_dir;
  std::string bindings;
  std::string bindings_dir;
  DirectoryServer::Options options;
  std::vector<const LimitOption*> limits;  // the options that were given
};

[[noreturn]] void Misused(absl::string_view error) {
  // The log does not wait for a reader of standard error.
  event::Log(LogLevel::kError,
             absl::StrCat(error, "; --help lists the options"));
  std::exit(kMisused);
}

int Failed(const absl::Status& status) {
  event::Log(LogLevel::kError, std::string(status.message()));
  return kFailed;
}

Flags ParseFlags(int argc, char** argv) {
  const Usage& usage = DirectorydUsage();
  Arguments arguments(argc, argv);
  const auto given = TakeOptions(usage, &arguments);
  if (!given.ok()) Misused(given.status().message());
  const auto find = [&](const char* name) -> const std::string* {
    const auto it = given->find(name);
    return it == given->end() ? nullptr : &it->second;
  };
  const std::string* const format = find("--help_as");
  if (find("--help") != nullptr || format != nullptr) {
    const absl::StatusOr<std::string> help =
        HelpAs(format == nullptr ? "text" : *format, usage);
    if (!help.ok()) Misused(help.status().message());
    std::fputs(help->c_str(), stdout);
    std::exit(kDone);
  }
  if (find("--version") != nullptr) {
    std::printf("directoryd %s\n", kVersion);
    std::exit(kDone);
  }
  Flags flags;
  const auto text = [&](const char* name, std::string* to) {
    const std::string* const value = find(name);
    if (value != nullptr) *to = *value;
  };
  const auto number = [&](const char* name, uint32_t* to) {
    const std::string* const value = find(name);
    if (value == nullptr) return false;
    if (!absl::SimpleAtoi(*value, to) || *to == 0) {
      Misused(absl::StrCat("'", name, "=", *value,
                           "': expected a number from 1 to ",
                           std::numeric_limits<uint32_t>::max()));
    }
    return true;
  };
  text("--socket_dir", &flags.socket_dir);
  text("--bindings", &flags.bindings);
  text("--bindings_dir", &flags.bindings_dir);
  for (const LimitOption& option : kLimitOptions) {
    if (number(option.name, &(flags.options.limits.*option.limit))) {
      flags.limits.push_back(&option);
    }
  }
  uint32_t seconds = 0;
  if (number("--half_open_seconds", &seconds)) {
    flags.options.half_open_time = absl::Seconds(seconds);
  }
  const auto rest = arguments.TakeNext();
  if (!rest.ok()) Misused(rest.status().message());
  if (rest->has_value()) {
    Misused(absl::StrCat("unknown argument '", **rest, "'"));
  }
  return flags;
}

// Handles signals as events of the loop.
class Signals final : private event::Watch {
 public:
  explicit Signals(std::function<void(int)> handler)
      : handler_(std::move(handler)) {}
  ~Signals() override {
    if (added()) event::Thread::Current()->loop()->RemoveWatch(this);
  }
  absl::Status Begin() {
    sigset_t signals;
    sigemptyset(&signals);
    for (int signal : {SIGHUP, SIGTERM, SIGINT}) sigaddset(&signals, signal);
    sys::SigMask(SIG_BLOCK, &signals, nullptr);
    fd_.reset(sys::SignalFd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK));
    if (!fd_ || !event::Thread::Current()->loop()->AddWatch(this, fd_.get(),
                                                            kReadable)) {
      return absl::InternalError(
          absl::StrCat("cannot watch for signals: ", std::strerror(errno)));
    }
    return absl::OkStatus();
  }

 private:
  void OnReady(uint32_t) override {
    struct signalfd_siginfo info;
    if (sys::Read(fd_.get(), &info, sizeof(info)) == sizeof(info)) {
      handler_(static_cast<int>(info.ssi_signo));
    }
  }

  event::UniqueFd fd_;
  const std::function<void(int)> handler_;
};

// Logs the totals, and which options exceed them.
void SayLimits(const Flags& flags, const Accounts& accounts) {
  for (const std::string& line : accounts.Describe()) {
    event::Log(LogLevel::kInfo, line);
  }
  for (const LimitOption* option : flags.limits) {
    const uint32_t limit = accounts.limits.*option->limit;
    const uint64_t total = (accounts.*option->quota).bound().total;
    if (limit <= total) continue;
    event::Log(LogLevel::kWarning,
               absl::StrCat(option->name, "=", limit, ": the limit of ",
                            accounts.limits.descriptors, " open files allows ",
                            total, " in all"));
  }
}

// Raises the limit of open files to its maximum, because each waiting client
// and each server needs a file descriptor. Returns the new limit, or a default
// if the kernel does not tell it.
uint64_t RaiseDescriptorLimit() {
  struct rlimit descriptors;
  if (sys::GetRLimit(RLIMIT_NOFILE, &descriptors) == 0) {
    descriptors.rlim_cur = descriptors.rlim_max;
    sys::SetRLimit(RLIMIT_NOFILE, &descriptors);
  }
  return sys::GetRLimit(RLIMIT_NOFILE, &descriptors) == 0
             ? descriptors.rlim_cur
             : Limits().descriptors;
}

// Reports readiness to the reader of standard output, unless the output is full
// and nobody reads it.
void SayReady(const std::string& address) {
  const std::string line = absl::StrCat("directoryd: ready at ", address, "\n");
  struct pollfd room = {STDOUT_FILENO, POLLOUT, 0};
  if (sys::Poll(&room, 1, 0) <= 0 ||
      sys::Write(STDOUT_FILENO, line.data(), line.size()) < 0) {
    // Standard output has no reader.
  }
}

// All users share the backlog, and it is first in, first out. While one user
// fills it, a connection of another user waits until all before it are
// accepted. So the backlog is short. A client that finds it full tries again.
constexpr int kBacklog = 4;

class Daemon final {
 public:
  Daemon(Users* users, Flags flags, event::UniqueFd passed_socket)
      : users_(users),
        flags_(std::move(flags)),
        files_(flags_.bindings, flags_.bindings_dir),
        passed_socket_(std::move(passed_socket)),
        is_passed_(static_cast<bool>(passed_socket_)) {}

  // Serves until a signal or an error ends the daemon.
  absl::Status Run() {
    absl::Status begun = Begin();
    if (!begun.ok()) return begun;
    SayReady(place_.address());
    notifier_.Ready();
    loop_->Run();
    notifier_.Stopping();
    return end_;
  }

 private:
  using Loading = DirectoryServer::Loading;

  absl::Status Begin() {
    const absl::StatusOr<Place> place = FindPlace(process_, flags_.socket_dir);
    if (!place.ok()) {
      return absl::UnavailableError(
          absl::StrCat(place.status().message(), ", or give --socket_dir=DIR"));
    }
    place_ = *place;
    absl::Status status = LockPlace();
    if (!status.ok()) return status;

    MakeServer();
    if (!files_.empty()) {
      const absl::StatusOr<std::string> loaded = Load();
      if (!loaded.ok()) return loaded.status();
      Warn(*loaded);
    }

    status = signals_.Begin();
    if (!status.ok()) return status;

    transport_.RefuseDescriptors();  // no peer has a reason to send one
    transport_.SetBacklog(kBacklog);
    if (is_passed_) transport_.UseListener(std::move(passed_socket_));
    status = server_->Listen(&transport_, place_.address());
    if (!status.ok()) return status;
    SayLimits(flags_, server_->accounts());
    WatchPlace();
    if (!server_->registry().has_bindings()) {
      event::Log(LogLevel::kWarning,
                 absl::StrCat("no bindings yet", files_.empty() ? "" : " in ",
                              files_.Describe(), ": no session can be opened"));
    }
    return absl::OkStatus();
  }

  void MakeServer() {
    DirectoryServer::Options options = flags_.options;
    options.limits.descriptors = RaiseDescriptorLimit();
    options.reload = [this] { return Reload(); };
    options.persist = [this](const ClientKey& client, const std::string& line) {
      return Persist(client, line);
    };
    // A former directoryd may have had this socket.
    if (is_passed_) options.take_over_time = kTakeOverTime;
    server_.emplace(process_, loop_, users_, options);
  }

  // ---- Bindings ----
  absl::StatusOr<std::string> Load() {
    if (files_.empty()) {
      return absl::NotFoundError(
          "there are no bindings files to load: directoryd was started without "
          "--bindings and --bindings_dir");
    }
    const bool again = std::exchange(loaded_before_, true);
    const auto texts = files_.Read(again);
    if (!texts.ok()) return texts.status();
    return server_->Load(*texts, again ? Loading::kNow : Loading::kAtStart);
  }
  // Logs the warnings of a load, one on each line.
  static void Warn(const std::string& loaded) {
    for (const absl::string_view warning :
         absl::StrSplit(loaded, '\n', absl::SkipEmpty())) {
      event::Log(LogLevel::kWarning, warning);
    }
  }
  absl::StatusOr<std::string> Reload() {
    notifier_.Reloading();
    absl::StatusOr<std::string> loaded = Load();
    notifier_.Ready();
    return loaded;
  }
  absl::StatusOr<std::string> Persist(const ClientKey& client,
                                      const std::string& line) {
    if (!files_.has_folder()) {
      return absl::FailedPreconditionError(
          "there is no folder to write bindings to: directoryd was started "
          "without --bindings_dir");
    }
    const auto edited = files_.Edit(client, line, server_->Context());
    if (!edited.ok()) return edited.status();
    // The file is written only if a load of all files would succeed.
    const auto checked = server_->Load(edited->all, Loading::kCheckOnly);
    if (!checked.ok()) return checked.status();
    const absl::Status written = files_.Write(edited->all[edited->own].text);
    if (!written.ok()) return written;
    return absl::StrCat(files_.own_file(), edited->remark);
  }

  // ---- Events ----
  void OnSignal(int signal) {
    if (signal != SIGHUP) {
      loop_->Stop();
      return;
    }
    const absl::StatusOr<std::string> loaded = Reload();
    if (!loaded.ok()) {
      event::Log(LogLevel::kError, absl::StrCat("nothing was reloaded: ",
                                                loaded.status().message()));
    } else {
      event::Log(LogLevel::kInfo, absl::StrCat("reloaded ", files_.Describe()));
      Warn(*loaded);
    }
  }

  std::string Summary() {
    const Accounts& accounts = server_->accounts();
    return absl::StrCat(accounts.services.used(), " services, ",
                        accounts.waiting.used(), " waiting clients");
  }

  // ---- The folder ----
  absl::Status LockPlace() {
    lock_.reset();
    absl::StatusOr<event::UniqueFd> lock = HoldPlace(place_, is_passed_);
    if (!lock.ok()) return lock.status();
    lock_ = *std::move(lock);
    return absl::OkStatus();
  }
  void WatchPlace() {
    const absl::Status watched =
        watch_.Start(place_, lock_, [this] { OnPlaceLost(); });
    if (!watched.ok()) {
      event::Log(LogLevel::kWarning,
                 absl::StrCat("cannot notice if the socket or the lock file is "
                              "deleted: ",
                              watched.message()));
    }
  }
  void OnPlaceLost() {
    end_ = TakePlaceAnew();
    if (end_.ok()) {
      WatchPlace();
    } else {
      loop_->Stop();
    }
  }
  absl::Status TakePlaceAnew() {
    if (is_passed_) {
      // A new socket would show clients this process's user, and some clients
      // do not trust this user. Also, the new socket would not survive a
      // restart.
      return absl::UnavailableError(absl::StrCat(
          "the socket or the lock file in ", place_.folder,
          " was deleted: restart the service manager's socket unit, which has "
          "passed the socket"));
    }
    event::Log(LogLevel::kError,
               absl::StrCat("the socket or the lock file in ", place_.folder,
                            " was deleted: both are created again"));
    const absl::Status locked = LockPlace();
    return locked.ok() ? server_->Listen(&transport_, place_.address())
                       : locked;
  }

  event::Process* const process_ = event::Process::Current();
  event::Loop* const loop_ = event::Thread::Current()->loop();
  Users* const users_;
  const Flags flags_;
  const BindingsFiles files_;
  event::UniqueFd passed_socket_;
  const bool is_passed_;
  Place place_;
  event::UniqueFd lock_;
  bool loaded_before_ = false;
  Notifier notifier_{process_, loop_, [this] { return Summary(); }};
  absl::optional<DirectoryServer> server_;
  Signals signals_{[this](int signal) { OnSignal(signal); }};
  transports::UnixTransport transport_{process_};
  PlaceWatch watch_{loop_};
  absl::Status end_;
};

}  // namespace

int RunDirectoryd(Users* users, int argc, char** argv) {
  Flags flags = ParseFlags(argc, argv);
  // This call must precede the first file descriptor above 2 that the process
  // opens.
  absl::StatusOr<event::UniqueFd> passed_socket =
      TakePassedSocket(event::Process::Current());
  if (!passed_socket.ok()) return Failed(passed_socket.status());
  Daemon daemon(users, std::move(flags), *std::move(passed_socket));
  const absl::Status end = daemon.Run();
  return end.ok() ? kDone : Failed(end);
}

}  // namespace directory
}  // namespace le
