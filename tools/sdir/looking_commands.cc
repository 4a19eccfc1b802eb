// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// The commands that show the state of the directory and of the services.

#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "directory/bindings.h"
#include "directory/control_frame.h"
#include "directory/program.h"
#include "directory/users.h"
#include "event/process.h"
#include "tools/sdir/activity.h"
#include "tools/sdir/command.h"
#include "tools/sdir/commands.h"
#include "tools/sdir/directory.h"
#include "tools/sdir/event_format.h"
#include "tools/sdir/explain.h"
#include "tools/sdir/file.h"
#include "tools/sdir/graph_page.h"
#include "tools/sdir/inspection.h"
#include "tools/sdir/list_format.h"
#include "tools/sdir/metrics.h"
#include "tools/sdir/names.h"
#include "tools/sdir/snapshot.h"
#include "tools/sdir/text.h"
#include "tools/sdir/top.h"

namespace le {
namespace sdir {

using directory::kFailed;
using directory::proto::FromDirectory;
using directory::proto::ListPart;
using directory::proto::ToDirectory;

namespace {

// The time between the snapshots from which rates are computed.
constexpr absl::Duration kPause = absl::Seconds(1);

// The services that a filter selects.
class Services {
 public:
  Services(const std::string& socket_dir, Filter filter)
      : socket_dir_(socket_dir), filter_(std::move(filter)) {}

  Names* names() { return &names_; }
  std::vector<InspectedService> Inspect() {
    ListPart list = AskForList(socket_dir_);
    names_.NameUsers(&list);
    filter_.Apply(&list, &names_);
    std::vector<Snapshot> snapshots = inspections_.Take(list, &users_);
    std::vector<InspectedService> services;
    services.reserve(snapshots.size());
    for (int i = 0; i < list.services_size(); ++i) {
      services.push_back({list.services(i).service(), list.services(i).pid(),
                          std::move(snapshots[static_cast<size_t>(i)])});
    }
    return services;
  }

 private:
  const std::string socket_dir_;
  const Filter filter_;
  directory::OsUsers users_;
  Names names_{&users_};
  Inspections inspections_{socket_dir_};
};

// The number of lines of the terminal, without the last line. None: the output
// is no terminal.
absl::optional<size_t> LinesOfTerminal() {
  struct winsize size = {};
  if (isatty(STDOUT_FILENO) == 0) return absl::nullopt;
  const bool is_known =
      ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row > 1;
  return is_known ? size.ws_row - 1 : 24;
}

}  // namespace

int RunList(Command* command) {
  const Filter filter = command->NextFilter();
  command->End();
  const bool json = command->WantsJson();
  Directory directory(command->socket_dir());
  Names* const names = directory.names();
  ListPart list = directory.AskForList();
  names->NameUsers(&list);
  filter.Apply(&list, names);
  std::vector<Snapshot> snapshots;
  if (command->Has("--sessions")) {
    directory::OsUsers users;
    snapshots = Inspections(command->socket_dir()).Take(list, &users);
  }
  if (!json) {
    std::printf("\nDIRECTORY\n\n        %s\n",
                EscapedLine(directory.WhereAndWhose()).c_str());
  }
  std::fputs((json ? FormatJson(list, names, snapshots)
                   : FormatText(list, names, snapshots))
                 .c_str(),
             stdout);
  return directory::kDone;
}

int RunExplain(Command* command) {
  directory::OsUsers users;
  directory::UserContext context;
  context.users = &users;
  const absl::StatusOr<directory::ClientKey> client =
      directory::ParseClient(command->NextName("CLIENT"), context);
  if (!client.ok()) Misused(std::string(client.status().message()));
  if (!client->uid.has_value() || client->name == directory::kAnyName) {
    Misused("explain needs one user and one interface, without *");
  }
  command->End();
  Names names(&users);
  const auto snapshot_of = [&](const directory::proto::ServiceEntry& service) {
    ListPart one;
    *one.add_services() = service;
    return Inspections(command->socket_dir()).Take(one, &users)[0];
  };
  const Explanation explanation =
      Explain(AskForList(command->socket_dir()), *client, &names, snapshot_of);
  std::fputs(explanation.text.c_str(), stdout);
  return explanation.can_open ? directory::kDone : directory::kNo;
}

int RunTop(Command* command) {
  const Filter filter = command->NextFilter();
  command->End();
  Services services(command->socket_dir(), filter);
  Top top(services.names());
  const auto update = [&](size_t lines) {
    return top.Update(services.Inspect(), lines);
  };
  update(0);
  const bool is_once = command->Has("--once") || !LinesOfTerminal().has_value();
  for (;;) {
    absl::SleepFor(kPause);
    if (is_once) {
      std::fputs(update(SIZE_MAX).c_str(), stdout);
      return directory::kDone;
    }
    // Writes over the former table. To clear the screen first would flicker.
    const std::string table = absl::StrReplaceAll(
        update(LinesOfTerminal().value_or(24)), {{"\n", "\x1b[K\n"}});
    std::fputs(absl::StrCat("\x1b[H", table, "\x1b[J").c_str(), stdout);
    FlushOutput();
  }
}

int RunGraph(Command* command) {
  const Filter filter = command->NextFilter();
  command->End();
  Services services(command->socket_dir(), filter);
  const LastSnapshots last = ByService(services.Inspect());
  // Empties the file, so this follows the first inspection, which needs a
  // directory.
  Output output(*command);
  absl::SleepFor(kPause);
  const std::vector<InspectedService> now = services.Inspect();
  output.Write(GraphPage(last, now, absl::Now(), services.names()));
  output.Flush();
  return directory::kDone;
}

int RunMetrics(Command* command) {
  command->End();
  ListPart list = AskForList(command->socket_dir());
  directory::OsUsers users;
  Names names(&users);
  names.NameUsers(&list);
  const std::vector<Snapshot> snapshots =
      Inspections(command->socket_dir()).Take(list, &users);
  const std::string text = Metrics(list, snapshots);
  const absl::optional<std::string> file = command->Value("--textfile");
  if (!file.has_value()) {
    std::fputs(text.c_str(), stdout);
    return directory::kDone;
  }
  struct stat former;
  if (stat(file->c_str(), &former) == 0 && !S_ISREG(former.st_mode)) {
    Fail(kFailed,
         absl::StrCat("cannot write ", *file, ": it is not a regular file"));
  }
  // A reader of the file sees the whole former file or the whole new one.
  const std::string part = absl::StrCat(*file, ".", getpid(), ".tmp");
  std::FILE* const stream = std::fopen(part.c_str(), "wxe");
  const bool is_written =
      stream != nullptr && std::fputs(text.c_str(), stream) >= 0;
  if (stream == nullptr || std::fclose(stream) != 0 || !is_written ||
      std::rename(part.c_str(), file->c_str()) != 0) {
    const std::string error = std::strerror(errno);
    if (stream != nullptr) std::remove(part.c_str());
    Fail(kFailed, absl::StrCat("cannot write ", *file, ": ", error));
  }
  return directory::kDone;
}

int RunMonitor(Command* command) {
  const Filter filter = command->NextFilter();
  command->End();
  const bool json = command->WantsJson();
  directory::OsUsers users;
  Names names(&users);
  event::Process* const process = event::Process::Current();
  Directory directory(command->socket_dir());
  ToDirectory request;
  request.mutable_monitor();
  directory.Say(std::move(request));
  directory.HearDone();
  std::fprintf(stderr, "sdir: events from now on. Ctrl-C ends.\n");
  for (;;) {
    const FromDirectory message = directory.HearEvent();
    if (!message.has_event() || !filter.Selects(message.event(), &names)) {
      continue;
    }
    const directory::proto::Event& event = message.event();
    // The event has a time of the monotonic clock.
    const absl::Duration age =
        event.at_ns() == 0
            ? absl::ZeroDuration()
            : process->Now() - absl::FromUnixNanos(event.at_ns());
    const absl::Time at = absl::Now() - age;
    const std::string line =
        json ? EventJson(event, at, &names) : EventText(event, at, &names);
    std::fputs(line.c_str(), stdout);
    FlushOutput();
  }
}

}  // namespace sdir
}  // namespace le
