// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// sdir: looks into a directory, and administers it.

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <iterator>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "directory/control_frame.h"
#include "directory/place.h"
#include "event/process.h"
#include "tools/sdir/list_format.h"
#include "transports/unix_socket/unix_socket.h"

namespace {

using le::directory::proto::FromDirectory;
using le::directory::proto::ListPart;
using le::directory::proto::ToDirectory;
using le::transports::IoResult;

constexpr char kUsage[] =
    R"(sdir: looks into a le_messaging directory, and administers it.

  sdir [--socket_dir=DIR] COMMAND ...

  list [--format=json]      bindings, services, waiting clients and what they
                            wait for, introductions made
  bind CLIENT SERVICE       adds or replaces a binding, until the next load or
                            restart; each is <USER>.INTERFACE
  unbind CLIENT             takes one away, likewise
  load [--check] [FILE]     replaces all bindings by those of FILE (-: standard
                            input), or of the file that directoryd was started
                            with; on any error nothing changes. --check changes
                            nothing in any case
  wait SERVICE [--timeout=SECONDS]
                            returns when <USER>.SERVICE is on offer
  monitor                   prints what happens, a line each, until it is stopped
  help                      this text

  --socket_dir=DIR          where the directory is. Default: the first of
                            $LE_MESSAGING_DIR, /run/le_messaging if it exists,
                            $XDG_RUNTIME_DIR/le_messaging

Exit status: 0 done; 1 refused, or no directory; 2 the command makes no sense;
3 out of time. Only root and the directory's own user may use it.
)";

constexpr int kRefused = 1;
constexpr int kUsageError = 2;
constexpr int kTimedOut = 3;

[[noreturn]] void Fail(int status, const std::string& error) {
  std::fflush(stdout);
  std::fprintf(stderr, "sdir: %s\n", error.c_str());
  std::exit(status);
}

[[noreturn]] void Misused(const std::string& error) {
  Fail(kUsageError, absl::StrCat(error, "\nTry 'sdir help'."));
}

// A conversation with the directory.
class Directory {
 public:
  explicit Directory(const std::string& flag)
      : transport_(le::event::Process::Current()),
        pool_(le::transports::BufferPool::Create(
            le::directory::kMaxControlBytes)) {
    const absl::StatusOr<le::directory::Place> place =
        le::directory::FindPlace(le::event::Process::Current(), flag);
    if (!place.ok()) Fail(kRefused, std::string(place.status().message()));
    absl::StatusOr<std::unique_ptr<le::transports::Connection>> connection =
        transport_.Connect(place->address());
    if (!connection.ok()) {
      Fail(kRefused, absl::StrCat("there is no directory: ",
                                  connection.status().message()));
    }
    connection_ = *std::move(connection);
    const absl::StatusOr<le::event::Credentials> who = connection_->peer();
    const absl::Status trusted =
        who.ok() ? le::directory::CheckTrust(le::event::Process::Current(),
                                             *place, *who)
                 : who.status();
    if (!trusted.ok()) Fail(kRefused, std::string(trusted.message()));
  }

  void Say(ToDirectory message) {
    // What does not fit now goes out while we wait for the answer; the limit is
    // for peers that we do not trust.
    le::transports::SendLimits limits;
    limits.bytes = size_t{64} << 20;
    connection_->SetSendLimits(limits);
    if (le::directory::SendControl(connection_.get(), std::move(message)) !=
        IoResult::kOk) {
      Fail(kRefused, "the directory has gone");
    }
  }

  FromDirectory Hear(le::event::Instant deadline = absl::InfiniteFuture()) {
    le::transports::IncomingFrame frame;
    switch (connection_->Receive(&frame, pool_.get(), deadline)) {
      case IoResult::kOk:
        break;
      case IoResult::kWouldBlock:
        Fail(kTimedOut, "out of time");
      case IoResult::kNotIdle:
      case IoResult::kClosed:
        Fail(kRefused, "the directory has gone");
    }
    FromDirectory message;
    if (!le::directory::ParseControl(frame, &message)) {
      Fail(kRefused, "that is not a directory that this sdir understands");
    }
    if (message.has_refusal()) Fail(kRefused, message.refusal().text());
    return message;
  }

  // The answer of a command that has no other.
  void HearDone(le::event::Instant deadline = absl::InfiniteFuture()) {
    const FromDirectory message = Hear(deadline);
    if (!message.done().text().empty()) {
      std::printf("%s\n", message.done().text().c_str());
    }
  }

 private:
  le::transports::UnixTransport transport_;
  const le::transports::BufferPool::Ptr pool_;
  std::unique_ptr<le::transports::Connection> connection_;
};

// The arguments of a command: options taken out, the rest counted.
class Arguments {
 public:
  Arguments(int argc, char** argv) : all_(argv + 1, argv + argc) {}

  // "--name": whether it is there.
  bool Flag(const std::string& name) {
    for (auto it = all_.begin(); it != all_.end(); ++it) {
      if (*it == name) {
        all_.erase(it);
        return true;
      }
    }
    return false;
  }
  // "--name=VALUE", or "".
  std::string Option(const std::string& name) {
    for (auto it = all_.begin(); it != all_.end(); ++it) {
      if (it->compare(0, name.size() + 1, name + "=") == 0) {
        const std::string value = it->substr(name.size() + 1);
        all_.erase(it);
        return value;
      }
    }
    return "";
  }
  std::string Next(const char* what) {
    if (all_.empty()) Misused(absl::StrCat(what, " is missing"));
    if (all_.front().size() > 1 && all_.front()[0] == '-' &&
        all_.front() != "--help") {
      Misused(absl::StrCat("unknown option '", all_.front(), "'"));
    }
    const std::string next = all_.front();
    all_.erase(all_.begin());
    return next;
  }
  bool empty() const { return all_.empty(); }
  void End() {
    if (!all_.empty()) Misused(absl::StrCat("what is '", all_.front(), "'?"));
  }

 private:
  std::vector<std::string> all_;
};

void List(const std::string& place, Arguments* arguments) {
  const std::string format = arguments->Option("--format");
  arguments->End();
  if (!format.empty() && format != "json" && format != "text") {
    Misused(absl::StrCat("unknown format '", format, "': json or text"));
  }
  Directory directory(place);
  ToDirectory request;
  request.mutable_list();
  directory.Say(std::move(request));
  ListPart whole;
  bool last = false;
  while (!last) {
    const FromDirectory part = directory.Hear();
    whole.MergeFrom(part.list());
    last = part.list().last();
  }
  std::fputs(format == "json" ? le::sdir::FormatJson(whole).c_str()
                              : le::sdir::FormatText(whole).c_str(),
             stdout);
}

void Load(const std::string& place, Arguments* arguments) {
  const bool check = arguments->Flag("--check");
  const std::string file = arguments->empty() ? "" : arguments->Next("FILE");
  arguments->End();
  if (file.empty()) {
    if (check) Misused("--check needs a FILE");
    Directory directory(place);
    ToDirectory request;
    request.mutable_reload();
    directory.Say(std::move(request));
    directory.HearDone();
    return;
  }
  std::string text;
  if (file == "-") {
    text.assign(std::istreambuf_iterator<char>(std::cin), {});
  } else {
    std::ifstream stream(file, std::ios::binary);
    if (!stream) Fail(kRefused, absl::StrCat("cannot read ", file));
    text.assign(std::istreambuf_iterator<char>(stream), {});
  }
  Directory directory(place);
  size_t at = 0;
  do {
    const size_t size = std::min(le::directory::kPartBytes, text.size() - at);
    ToDirectory request;
    request.mutable_load()->set_text(text.substr(at, size));
    request.mutable_load()->set_file_name(file == "-" ? "standard input"
                                                      : file);
    request.mutable_load()->set_check_only(check);
    at += size;
    request.mutable_load()->set_last(at == text.size());
    directory.Say(std::move(request));
  } while (at < text.size());
  directory.HearDone();
}

void WaitFor(const std::string& place, Arguments* arguments) {
  const std::string timeout = arguments->Option("--timeout");
  const std::string service = arguments->Next("SERVICE");
  arguments->End();
  le::event::Instant deadline = absl::InfiniteFuture();
  if (!timeout.empty()) {
    double seconds;
    if (!absl::SimpleAtod(timeout, &seconds) || !(seconds >= 0)) {
      Misused(absl::StrCat("'", timeout, "' is not a number of seconds"));
    }
    deadline = le::event::Process::Current()->Now() + absl::Seconds(seconds);
  }
  Directory directory(place);
  ToDirectory request;
  request.mutable_wait()->set_service(service);
  directory.Say(std::move(request));
  directory.HearDone(deadline);
}

}  // namespace

int main(int argc, char** argv) {
  Arguments arguments(argc, argv);
  const std::string place = arguments.Option("--socket_dir");
  if (arguments.Flag("--help") || arguments.Flag("-h")) {
    std::fputs(kUsage, stdout);
    return EXIT_SUCCESS;
  }
  const std::string command = arguments.Next("a command");
  if (command == "help") {
    std::fputs(kUsage, stdout);
  } else if (command == "list") {
    List(place, &arguments);
  } else if (command == "bind") {
    ToDirectory request;
    request.mutable_bind()->set_client(arguments.Next("CLIENT"));
    request.mutable_bind()->set_service(arguments.Next("SERVICE"));
    arguments.End();
    Directory directory(place);
    directory.Say(std::move(request));
    directory.HearDone();
  } else if (command == "unbind") {
    ToDirectory request;
    request.mutable_unbind()->set_client(arguments.Next("CLIENT"));
    arguments.End();
    Directory directory(place);
    directory.Say(std::move(request));
    directory.HearDone();
  } else if (command == "load") {
    Load(place, &arguments);
  } else if (command == "wait") {
    WaitFor(place, &arguments);
  } else if (command == "monitor") {
    arguments.End();
    Directory directory(place);
    ToDirectory request;
    request.mutable_monitor();
    directory.Say(std::move(request));
    for (;;) {
      const FromDirectory message = directory.Hear();
      if (!message.has_event()) continue;
      std::printf("%s\n", message.event().text().c_str());
      if (std::fflush(stdout) != 0) return EXIT_SUCCESS;  // nobody reads on
    }
  } else {
    Misused(absl::StrCat("unknown command '", command, "'"));
  }
  return std::fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
