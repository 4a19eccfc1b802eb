// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "directory/directoryd.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <string>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "directory/place.h"
#include "directory/server.h"
#include "event/base/log.h"
#include "event/base/sys.h"
#include "event/base/unique_fd.h"
#include "event/process.h"
#include "transports/unix_socket/unix_socket.h"

namespace {

namespace sys = le::event::sys;
using le::event::LogLevel;

constexpr char kUsage[] =
    R"(directoryd: introduces le_messaging clients to their services.

  directoryd [--socket_dir=DIR] [--bindings=FILE]

  --socket_dir=DIR  the folder of the socket; made if it is not there. Default: the
                    first of $LE_MESSAGING_DIR, /run/le_messaging if it exists,
                    $XDG_RUNTIME_DIR/le_messaging.
  --bindings=FILE   who may talk to whom, a line each:
                      <USER>.CLIENT_INTERFACE -> <USER>.SERVICE
                    Read anew on SIGHUP and by `sdir load`. Without it there are
                    no bindings until somebody makes some with sdir.
  --max_connections=N, --max_half_open=N, --max_waiting=N, --max_services=N
                    what one user may have at a time: connections, those of them
                    that have said nothing yet, clients that wait, services.
                    Default: 32768, 1024, 16384, 16384.
  --half_open_seconds=N
                    for how long a connection may say nothing. Default: 30.
  --help            this text

Needs no privileges. Runs until SIGTERM or SIGINT; sessions outlive it.
)";

struct Flags {
  std::string socket_dir;
  std::string bindings;
  le::directory::DirectoryServer::Options limits;
};

[[noreturn]] void Exit(const std::string& error) {
  // By the log, which does not wait for a reader of standard error.
  le::event::Log(LogLevel::kError, error);
  le::event::Process::Current()->Die(error);
  std::abort();  // not reached, which the compiler does not see
}

Flags ParseFlags(int argc, char** argv) {
  Flags flags;
  auto value = [](absl::string_view argument, absl::string_view name,
                  std::string* to) {
    if (argument.substr(0, name.size()) != name) return false;
    *to = std::string(argument.substr(name.size()));
    return true;
  };
  auto number = [&value](absl::string_view argument, absl::string_view name,
                         uint32_t* to) {
    std::string text;
    if (!value(argument, name, &text)) return false;
    if (!absl::SimpleAtoi(text, to) || *to == 0) {
      Exit(absl::StrCat("'", argument, "': a number from 1 was expected"));
    }
    return true;
  };
  for (int i = 1; i < argc; ++i) {
    const absl::string_view argument = argv[i];
    if (argument == "--help" || argument == "-h") {
      std::fputs(kUsage, stdout);
      std::exit(EXIT_SUCCESS);
    }
    if (value(argument, "--socket_dir=", &flags.socket_dir) ||
        value(argument, "--bindings=", &flags.bindings) ||
        number(argument,
               "--max_connections=", &flags.limits.connections_per_user) ||
        number(argument,
               "--max_half_open=", &flags.limits.half_open_per_user) ||
        number(argument,
               "--max_waiting=", &flags.limits.limits.waiting_clients) ||
        number(argument, "--max_services=", &flags.limits.limits.services)) {
      continue;
    }
    uint32_t seconds = 0;
    if (number(argument, "--half_open_seconds=", &seconds)) {
      flags.limits.half_open_time = absl::Seconds(seconds);
      continue;
    }
    Exit(absl::StrCat("unknown argument '", argument,
                      "'; --help lists what there is"));
  }
  return flags;
}

absl::StatusOr<std::string> ReadFile(const std::string& name) {
  le::event::UniqueFd file(sys::Open(name.c_str(), O_RDONLY | O_CLOEXEC, 0));
  if (!file) {
    return absl::NotFoundError(absl::StrCat(name, ": ", std::strerror(errno)));
  }
  std::string text;
  char part[65536];
  for (;;) {
    const ssize_t size = sys::Read(file.get(), part, sizeof(part));
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) {
      return absl::InternalError(
          absl::StrCat(name, ": ", std::strerror(errno)));
    }
    if (size == 0) return text;
    text.append(part, static_cast<size_t>(size));
    if (text.size() > le::directory::kMaxBindingsBytes) {
      return absl::InvalidArgumentError(absl::StrCat(name, ": too long"));
    }
  }
}

// Keeps a second directory out of the folder for as long as it is open.
le::event::UniqueFd Lock(const std::string& file) {
  le::event::UniqueFd lock(
      sys::Open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!lock) {
    Exit(absl::StrCat("cannot open the lock file ", file, ": ",
                      std::strerror(errno)));
  }
  if (sys::Flock(lock.get(), LOCK_EX | LOCK_NB) != 0) {
    Exit(absl::StrCat("another directory runs here: it holds ", file));
  }
  return lock;
}

// Signals, as events of the loop.
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
      Exit(absl::StrCat("cannot watch for signals: ", std::strerror(errno)));
    }
  }
  ~Signals() override {
    if (added()) le::event::Thread::Current()->loop()->RemoveWatch(this);
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
};

// Tells whoever started us: a service manager, or a reader of our output.
void SayReady(le::event::Process* process, const std::string& address) {
  const std::string line = absl::StrCat("directoryd: ready at ", address, "\n");
  if (sys::Write(STDOUT_FILENO, line.data(), line.size()) < 0) {
    // Nobody listens.
  }
  const std::string notify = process->GetEnv("NOTIFY_SOCKET");
  struct sockaddr_un to = {};
  if (notify.empty() || notify.size() >= sizeof(to.sun_path)) return;
  to.sun_family = AF_UNIX;
  std::memcpy(to.sun_path, notify.data(), notify.size());
  if (to.sun_path[0] == '@') to.sun_path[0] = '\0';
  le::event::UniqueFd socket(
      sys::Socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  const socklen_t size = static_cast<socklen_t>(
      offsetof(struct sockaddr_un, sun_path) + notify.size());
  if (socket &&
      sys::Connect(socket.get(), reinterpret_cast<struct sockaddr*>(&to),
                   size) == 0) {
    sys::Send(socket.get(), "READY=1", 7, MSG_NOSIGNAL);
  }
}

}  // namespace

namespace le {
namespace directory {

int RunDirectoryd(Users* users, int argc, char** argv) {
  const Flags flags = ParseFlags(argc, argv);
  le::event::Process* const process = le::event::Process::Current();
  le::event::Loop* const loop = le::event::Thread::Current()->loop();

  const absl::StatusOr<le::directory::Place> place =
      le::directory::FindPlace(process, flags.socket_dir);
  if (!place.ok())
    Exit(absl::StrCat(place.status().message(), "; or give --socket_dir=DIR"));
  if (sys::Mkdir(place->folder.c_str(), 0755) != 0 && errno != EEXIST) {
    Exit(absl::StrCat("cannot make the folder ", place->folder, ": ",
                      std::strerror(errno)));
  }
  const le::event::UniqueFd lock = Lock(place->lock_file());

  // A descriptor for each client that waits and each service.
  struct rlimit files;
  if (sys::GetRLimit(RLIMIT_NOFILE, &files) == 0) {
    files.rlim_cur = files.rlim_max;
    sys::SetRLimit(RLIMIT_NOFILE, &files);
  }

  le::directory::DirectoryServer* directory = nullptr;
  auto load = [&]() -> absl::StatusOr<std::string> {
    if (flags.bindings.empty()) {
      return absl::NotFoundError("directoryd was started without --bindings");
    }
    absl::StatusOr<std::string> text = ReadFile(flags.bindings);
    if (!text.ok()) return text.status();
    return directory->Load(*text, flags.bindings);
  };
  le::directory::DirectoryServer::Options options = flags.limits;
  options.reload = load;
  le::directory::DirectoryServer server(process, loop, users, options);
  directory = &server;

  if (!flags.bindings.empty()) {
    const absl::StatusOr<std::string> loaded = load();
    if (!loaded.ok()) Exit(std::string(loaded.status().message()));
    if (!loaded->empty()) le::event::Log(LogLevel::kWarning, *loaded);
  }

  le::transports::UnixTransport transport(process);
  const absl::Status listening = server.Listen(&transport, place->address());
  if (!listening.ok()) Exit(std::string(listening.message()));

  Signals signals([&](int signal) {
    if (signal != SIGHUP) {
      loop->Stop();
      return;
    }
    const absl::StatusOr<std::string> loaded = load();
    if (!loaded.ok()) {
      le::event::Log(LogLevel::kError, absl::StrCat("nothing was reloaded: ",
                                                    loaded.status().message()));
    } else {
      le::event::Log(LogLevel::kInfo,
                     absl::StrCat("reloaded ", flags.bindings,
                                  loaded->empty() ? "" : "\n", *loaded));
    }
  });
  SayReady(process, place->address());
  loop->Run();
  return EXIT_SUCCESS;
}

}  // namespace directory
}  // namespace le
