// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "directory/directoryd.h"

#include <signal.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
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

namespace {

namespace sys = le::event::sys;
using le::event::LogLevel;

// An option that limits each user, and the quota that it concerns.
struct LimitOption {
  const char* name;
  uint32_t le::directory::Limits::*limit;
  le::event::Quota le::directory::Accounts::*quota;
};
using le::directory::Accounts;
using le::directory::Limits;
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
  le::directory::DirectoryServer::Options options;
  std::vector<const LimitOption*> limits;  // the options that were given
};

[[noreturn]] void Misused(absl::string_view error) {
  // The log does not wait for a reader of standard error.
  le::event::Log(LogLevel::kError,
                 absl::StrCat(error, "; --help lists the options"));
  std::exit(le::directory::kMisused);
}

int Failed(const absl::Status& status) {
  le::event::Log(LogLevel::kError, std::string(status.message()));
  return le::directory::kFailed;
}

Flags ParseFlags(int argc, char** argv) {
  const le::directory::Usage& usage = le::directory::DirectorydUsage();
  le::directory::Arguments arguments(argc, argv);
  const auto given = le::directory::TakeOptions(usage, &arguments);
  if (!given.ok()) Misused(given.status().message());
  const auto find = [&](const char* name) -> const std::string* {
    const auto it = given->find(name);
    return it == given->end() ? nullptr : &it->second;
  };
  const std::string* const format = find("--help_as");
  if (find("--help") != nullptr || format != nullptr) {
    const absl::StatusOr<std::string> help =
        le::directory::HelpAs(format == nullptr ? "text" : *format, usage);
    if (!help.ok()) Misused(help.status().message());
    std::fputs(help->c_str(), stdout);
    std::exit(le::directory::kDone);
  }
  if (find("--version") != nullptr) {
    std::printf("directoryd %s\n", le::directory::kVersion);
    std::exit(le::directory::kDone);
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
                           "': a number from 1 was expected"));
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
class Signals final : private le::event::Watch {
 public:
  explicit Signals(std::function<void(int)> handler)
      : handler_(std::move(handler)) {
    sigset_t signals;
    sigemptyset(&signals);
    for (int signal : {SIGHUP, SIGTERM, SIGINT}) sigaddset(&signals, signal);
    sys::SigMask(SIG_BLOCK, &signals, nullptr);
    fd_.reset(sys::SignalFd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK));
    if (!fd_ || !le::event::Thread::Current()->loop()->AddWatch(this, fd_.get(),
                                                                kReadable)) {
      error_ = errno;
    }
  }
  ~Signals() override {
    if (added()) le::event::Thread::Current()->loop()->RemoveWatch(this);
  }
  absl::Status status() const {
    return error_ == 0
               ? absl::OkStatus()
               : absl::InternalError(absl::StrCat("cannot watch for signals: ",
                                                  std::strerror(error_)));
  }

 private:
  void OnReady(uint32_t) override {
    struct signalfd_siginfo info;
    if (sys::Read(fd_.get(), &info, sizeof(info)) == sizeof(info)) {
      handler_(static_cast<int>(info.ssi_signo));
    }
  }

  le::event::UniqueFd fd_;
  const std::function<void(int)> handler_;
  int error_ = 0;
};

// Logs the totals, and which options exceed them.
void SayLimits(const Flags& flags, const Accounts& accounts) {
  for (const std::string& line : accounts.Describe()) {
    le::event::Log(LogLevel::kInfo, line);
  }
  for (const LimitOption* option : flags.limits) {
    const uint32_t limit = accounts.limits.*option->limit;
    const uint64_t total = (accounts.*option->quota).bound().total;
    if (limit <= total) continue;
    le::event::Log(LogLevel::kWarning,
                   absl::StrCat(option->name, "=", limit, ": the limit of ",
                                accounts.limits.descriptors,
                                " open files allows ", total, " in all"));
  }
}

// Reports readiness to the reader of standard output.
void SayReady(const std::string& address) {
  const std::string line = absl::StrCat("directoryd: ready at ", address, "\n");
  if (sys::Write(STDOUT_FILENO, line.data(), line.size()) < 0) {
    // Standard output has no reader.
  }
}

}  // namespace

namespace le {
namespace directory {

int RunDirectoryd(Users* users, int argc, char** argv) {
  Flags flags = ParseFlags(argc, argv);
  le::event::Process* const process = le::event::Process::Current();
  absl::StatusOr<le::event::UniqueFd> passed_socket =
      le::directory::TakePassedSocket(process);
  if (!passed_socket.ok()) return Failed(passed_socket.status());
  const bool is_passed = static_cast<bool>(*passed_socket);
  le::event::Loop* const loop = le::event::Thread::Current()->loop();

  const absl::StatusOr<le::directory::Place> place =
      le::directory::FindPlace(process, flags.socket_dir);
  if (!place.ok()) {
    return Failed(absl::UnavailableError(
        absl::StrCat(place.status().message(), ", or give --socket_dir=DIR")));
  }
  absl::StatusOr<le::event::UniqueFd> lock =
      le::directory::HoldPlace(*place, is_passed);
  if (!lock.ok()) return Failed(lock.status());

  // Each waiting client and each server needs a file descriptor.
  struct rlimit descriptors;
  if (sys::GetRLimit(RLIMIT_NOFILE, &descriptors) == 0) {
    descriptors.rlim_cur = descriptors.rlim_max;
    sys::SetRLimit(RLIMIT_NOFILE, &descriptors);
  }
  if (sys::GetRLimit(RLIMIT_NOFILE, &descriptors) == 0) {
    flags.options.limits.descriptors = descriptors.rlim_cur;
  }

  le::directory::DirectoryServer* directory = nullptr;
  const le::directory::BindingsFiles files(flags.bindings, flags.bindings_dir);
  using Loading = le::directory::DirectoryServer::Loading;
  bool loaded_before = false;
  auto load = [&]() -> absl::StatusOr<std::string> {
    if (files.empty()) {
      return absl::NotFoundError(
          "directoryd was started without --bindings and --bindings_dir");
    }
    const bool again = std::exchange(loaded_before, true);
    const auto texts = files.Read(again);
    if (!texts.ok()) return texts.status();
    return directory->Load(*texts, again ? Loading::kNow : Loading::kAtStart);
  };
  auto persist = [&](const le::directory::ClientKey& client,
                     const std::string& line) -> absl::StatusOr<std::string> {
    if (!files.has_folder()) {
      return absl::FailedPreconditionError(
          "directoryd was started without --bindings_dir");
    }
    const auto edited = files.Edit(client, line, directory->Context());
    if (!edited.ok()) return edited.status();
    // The next load must succeed.
    const auto checked = directory->Load(edited->all, Loading::kCheckOnly);
    if (!checked.ok()) return checked.status();
    const absl::Status written = files.Write(edited->all[edited->own].text);
    if (!written.ok()) return written;
    return files.own_file();
  };
  le::directory::Notifier notifier(process, loop, [&] {
    const Accounts& accounts = directory->accounts();
    return absl::StrCat(accounts.services.used(), " services, ",
                        accounts.waiting.used(), " waiting clients");
  });
  const auto reload = [&] {
    notifier.Reloading();
    absl::StatusOr<std::string> loaded = load();
    notifier.Ready();
    return loaded;
  };
  le::directory::DirectoryServer::Options options = flags.options;
  options.reload = reload;
  options.persist = persist;
  // A former directoryd may have had this socket.
  if (is_passed) options.take_over_time = le::directory::kTakeOverTime;
  le::directory::DirectoryServer server(process, loop, users, options);
  directory = &server;

  if (!files.empty()) {
    const absl::StatusOr<std::string> loaded = load();
    if (!loaded.ok()) return Failed(loaded.status());
    if (!loaded->empty()) le::event::Log(LogLevel::kWarning, *loaded);
  }
  SayLimits(flags, server.accounts());

  Signals signals([&](int signal) {
    if (signal != SIGHUP) {
      loop->Stop();
      return;
    }
    const absl::StatusOr<std::string> loaded = reload();
    if (!loaded.ok()) {
      le::event::Log(LogLevel::kError, absl::StrCat("nothing was reloaded: ",
                                                    loaded.status().message()));
    } else {
      le::event::Log(LogLevel::kInfo,
                     absl::StrCat("reloaded ", files.Describe(),
                                  loaded->empty() ? "" : "\n", *loaded));
    }
  });
  if (!signals.status().ok()) return Failed(signals.status());

  le::transports::UnixTransport transport(process);
  transport.RefuseDescriptors();  // no peer has a reason to send one
  if (is_passed) transport.UseListener(*std::move(passed_socket));
  const absl::Status listening = server.Listen(&transport, place->address());
  if (!listening.ok()) return Failed(listening);
  le::directory::PlaceWatch watch(loop);
  absl::Status end;
  std::function<void()> watch_place;
  const auto take_place_anew = [&] {
    if (is_passed) {
      // A new socket would show this process's user, whom clients may not
      // trust, and would not survive a restart.
      end = absl::UnavailableError(absl::StrCat(
          "the socket or the lock file in ", place->folder,
          " was deleted: restart the service manager's socket unit, which has "
          "passed the socket"));
      loop->Stop();
      return;
    }
    le::event::Log(
        LogLevel::kError,
        absl::StrCat("the socket or the lock file in ", place->folder,
                     " was deleted: both are created again"));
    lock = absl::UnavailableError("");  // releases the former lock
    lock = le::directory::HoldPlace(*place);
    end =
        lock.ok() ? server.Listen(&transport, place->address()) : lock.status();
    if (end.ok()) {
      watch_place();
    } else {
      loop->Stop();
    }
  };
  watch_place = [&] {
    const absl::Status watched = watch.Start(*place, *lock, take_place_anew);
    if (!watched.ok()) {
      le::event::Log(LogLevel::kWarning,
                     absl::StrCat("if its files are deleted, this will not be "
                                  "noticed: ",
                                  watched.message()));
    }
  };
  watch_place();

  if (!server.registry().has_bindings()) {
    le::event::Log(LogLevel::kWarning,
                   "no bindings yet: no session can be opened");
  }
  SayReady(place->address());
  notifier.Ready();
  loop->Run();
  notifier.Stopping();
  return end.ok() ? kDone : Failed(end);
}

}  // namespace directory
}  // namespace le
