// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// sdir: shows and changes the state of a directory.

#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/string_view.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "directory/bindings.h"
#include "directory/control_frame.h"
#include "directory/program.h"
#include "directory/usage.h"
#include "event/base/log.h"
#include "event/base/sys.h"
#include "event/process.h"
#include "le/call_options.h"
#include "le/unique_fd.h"
#include "messaging/session/runtime.h"
#include "tools/sdir/caller.h"
#include "tools/sdir/directory.h"
#include "tools/sdir/event_format.h"
#include "tools/sdir/explain.h"
#include "tools/sdir/inspection.h"
#include "tools/sdir/list_format.h"
#include "tools/sdir/metrics.h"
#include "tools/sdir/pcapng.h"
#include "tools/sdir/replayer.h"
#include "tools/sdir/tap.h"
#include "tools/sdir/tap_format.h"
#include "tools/sdir/text.h"
#include "tools/sdir/top.h"
#include "tools/sdir/typed_service.h"
#include "tools/sdir/usage.h"

namespace {

using le::directory::proto::Described;
using le::directory::proto::FromDirectory;
using le::directory::proto::ListPart;
using le::directory::proto::ToDirectory;

using le::directory::kFailed;
using le::directory::kMisused;
using le::directory::kNo;
using le::directory::kOutOfTime;
using le::sdir::Directory;
using le::sdir::EscapedText;
using le::sdir::Fail;
using le::sdir::Inspection;
using le::sdir::kAnswerTimeout;
using le::sdir::Snapshot;

[[noreturn]] void Misused(const std::string& error) {
  Fail(kMisused, absl::StrCat(error, "\nTry 'sdir help'."));
}

// Parses the command line. Ends the program if it is wrong.
class Command {
 public:
  Command(int argc, char** argv) : arguments_(argc, argv) {
    auto given = le::directory::TakeOptions(le::sdir::SdirUsage(), &arguments_);
    if (!given.ok()) Misused(std::string(given.status().message()));
    given_ = *std::move(given);
  }

  bool Has(const std::string& option) const { return given_.count(option) > 0; }
  absl::optional<std::string> Value(const std::string& option) const {
    const auto it = given_.find(option);
    if (it == given_.end()) return absl::nullopt;
    return it->second;
  }
  std::string socket_dir() const { return Value("--socket_dir").value_or(""); }

  // Reads the command's name. Ends the program if there is no such command, or
  // if it does not take an option that is given.
  std::string Begin() {
    std::string name = Next("a command");
    const le::directory::Usage& usage = le::sdir::SdirUsage();
    const le::directory::CommandInfo* const info = usage.FindCommand(name);
    if (info == nullptr) Misused(absl::StrCat("unknown command '", name, "'"));
    for (const auto& option : given_) {
      if (usage.IsGlobal(option.first) || info->Takes(option.first)) continue;
      Misused(
          absl::StrCat("'", option.first, "' does not belong to this command"));
    }
    return name;
  }

  // Returns the next argument. Ends the program if there is none.
  std::string Next(const char* what) {
    const absl::optional<std::string> next = NextIfAny();
    if (!next.has_value()) Misused(absl::StrCat(what, " is missing"));
    return *next;
  }
  // As Next(), for an argument of the form <USER>.INTERFACE.
  std::string NextName(const char* what) { return Named(Next(what), what); }
  // As Next(), for a client and a service. They may also be one argument, in
  // the form of a bindings file.
  std::pair<std::string, std::string> NextBinding() {
    const std::string first = Next("CLIENT");
    const size_t arrow = first.find("->");
    if (arrow == std::string::npos) {
      std::string client = Named(first, "CLIENT");
      return {std::move(client), NextName("SERVICE")};
    }
    const auto part = [&](size_t from, size_t size, const char* what) {
      return Named(std::string(absl::StripAsciiWhitespace(
                       absl::string_view(first).substr(from, size))),
                   what);
    };
    return {part(0, arrow, "CLIENT"),
            part(arrow + 2, std::string::npos, "SERVICE")};
  }
  // As NextIfAny(), for a filter.
  le::sdir::Filter NextFilter() {
    const absl::optional<std::string> text = NextIfAny();
    if (!text.has_value()) return {};
    const absl::StatusOr<le::sdir::Filter> filter =
        le::sdir::Filter::Parse(*text);
    if (!filter.ok()) Misused(std::string(filter.status().message()));
    return *filter;
  }
  // --format or --json.
  bool WantsJson() {
    const std::string wanted =
        Value("--format").value_or(Has("--json") ? "json" : "text");
    if (wanted != "json" && wanted != "text") {
      Misused(absl::StrCat("unknown format '", wanted, "': json or text"));
    }
    return wanted == "json";
  }
  // --timeout.
  absl::optional<absl::Duration> Timeout() const {
    const auto timeout = Value("--timeout");
    if (!timeout.has_value()) return absl::nullopt;
    double seconds;
    if (!absl::SimpleAtod(*timeout, &seconds) || !(seconds >= 0)) {
      Misused(absl::StrCat("'", *timeout, "' is not a number of seconds"));
    }
    return absl::Seconds(seconds);
  }
  absl::optional<std::string> NextIfAny() {
    const auto next = arguments_.TakeNext();
    if (!next.ok()) Misused(std::string(next.status().message()));
    return *next;
  }
  // Checks that `name` is <USER>.INTERFACE.
  static std::string Named(std::string name, const char* what) {
    const size_t end = name.find(">.");
    if (name[0] != '<' || end == std::string::npos || end + 2 == name.size()) {
      Misused(absl::StrCat("'", name, "' is not a ", what,
                           ": expected '<USER>.INTERFACE', in quotes"));
    }
    return name;
  }
  // Ends the program if an argument is left.
  void End() {
    const absl::optional<std::string> more = NextIfAny();
    if (more.has_value())
      Misused(absl::StrCat("unexpected argument '", *more, "'"));
  }

 private:
  std::map<std::string, std::string> given_;  // options and their values
  le::directory::Arguments arguments_;
};

ListPart AskForList(const Command& command) {
  Directory directory(command.socket_dir());
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
  return whole;
}

// Inspects the servers of a directory.
class Inspections {
 public:
  explicit Inspections(std::string socket_dir)
      : socket_dir_(std::move(socket_dir)) {}

  // Returns a snapshot of each service in the list, whose users are named.
  std::vector<Snapshot> Take(const ListPart& list,
                             le::directory::Users* users) {
    le::directory::UserContext context;
    context.users = users;
    std::vector<Snapshot> snapshots;
    std::map<Key, std::unique_ptr<Inspection>> kept;
    while (snapshots.size() < static_cast<size_t>(list.services_size())) {
      kept.clear();
      const int begin = static_cast<int>(snapshots.size());
      const int end = std::min(begin + kAtOnce, list.services_size());
      std::vector<Inspection*> asked;
      for (int i = begin; i < end; ++i) {
        const auto& service = list.services(i);
        const Key key{service.service(), service.pid()};
        std::unique_ptr<Inspection>& inspection = kept[key];
        inspection = std::move(inspections_[key]);
        if (inspection == nullptr) {
          const auto parsed =
              le::directory::ParseService(service.service(), context);
          if (!parsed.ok()) {
            Fail(kFailed, std::string(parsed.status().message()));
          }
          inspection =
              std::make_unique<Inspection>(socket_dir_, *parsed, service.pid());
        }
        inspection->Ask();
        asked.push_back(inspection.get());
      }
      const le::event::Instant deadline =
          le::event::Process::Current()->Now() + le::sdir::kServerTimeout;
      for (Inspection* inspection : asked) {
        snapshots.push_back(inspection->Await(deadline));
      }
    }
    inspections_ = std::move(kept);
    return snapshots;
  }

 private:
  using Key = std::pair<std::string, pid_t>;
  // The most servers that are asked at the same time, so that this process has
  // a file descriptor for each.
  static constexpr int kAtOnce = 64;

  const std::string socket_dir_;
  std::map<Key, std::unique_ptr<Inspection>> inspections_;  // the last ones
};

void Help(Command* command) {
  const auto help = le::directory::HelpAs(command->NextIfAny().value_or("text"),
                                          le::sdir::SdirUsage());
  if (!help.ok()) Misused(std::string(help.status().message()));
  std::fputs(help->c_str(), stdout);
}

void List(Command* command) {
  const le::sdir::Filter filter = command->NextFilter();
  command->End();
  const bool json = command->WantsJson();
  ListPart list = AskForList(*command);
  le::directory::OsUsers users;
  le::sdir::Names names(&users);
  names.NameUsers(&list);
  filter.Apply(&list);
  std::vector<Snapshot> snapshots;
  if (command->Has("--sessions")) {
    snapshots = Inspections(command->socket_dir()).Take(list, &users);
  }
  std::fputs((json ? le::sdir::FormatJson(list, &names, snapshots)
                   : le::sdir::FormatText(list, &names, snapshots))
                 .c_str(),
             stdout);
}

// The number of lines of the terminal. None: the output is no terminal.
absl::optional<size_t> LinesOfTerminal() {
  struct winsize size = {};
  if (isatty(STDOUT_FILENO) == 0) return absl::nullopt;
  const bool is_known =
      ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row > 1;
  return is_known ? size.ws_row - 1 : 24;
}

void RunTop(Command* command) {
  constexpr absl::Duration kPause = absl::Seconds(1);
  const le::sdir::Filter filter = command->NextFilter();
  command->End();
  le::directory::OsUsers users;
  le::sdir::Names names(&users);
  le::sdir::Top top(&names);
  Inspections inspections(command->socket_dir());
  const auto update = [&](size_t lines) {
    ListPart list = AskForList(*command);
    names.NameUsers(&list);
    filter.Apply(&list);
    std::vector<Snapshot> snapshots = inspections.Take(list, &users);
    std::vector<le::sdir::Top::Entry> entries;
    entries.reserve(snapshots.size());
    for (int i = 0; i < list.services_size(); ++i) {
      entries.push_back({list.services(i).service(), list.services(i).pid(),
                         std::move(snapshots[static_cast<size_t>(i)])});
    }
    return top.Update(std::move(entries), lines);
  };
  update(0);
  const bool is_once = command->Has("--once") || !LinesOfTerminal().has_value();
  do {
    absl::SleepFor(kPause);
    if (is_once) {
      std::fputs(update(SIZE_MAX).c_str(), stdout);
    } else {
      // Writes over the last table, without a flicker.
      const std::string table = absl::StrReplaceAll(
          update(LinesOfTerminal().value_or(24)), {{"\n", "\x1b[K\n"}});
      std::fputs(absl::StrCat("\x1b[H", table, "\x1b[J").c_str(), stdout);
    }
  } while (std::fflush(stdout) == 0 && !is_once);
}

void PrintMetrics(Command* command) {
  command->End();
  ListPart list = AskForList(*command);
  le::directory::OsUsers users;
  le::sdir::Names names(&users);
  names.NameUsers(&list);
  const std::vector<Snapshot> snapshots =
      Inspections(command->socket_dir()).Take(list, &users);
  const std::string text = le::sdir::Metrics(list, snapshots);
  const absl::optional<std::string> file = command->Value("--textfile");
  if (!file.has_value()) {
    std::fputs(text.c_str(), stdout);
    return;
  }
  // The reader of the file sees the former one or the whole new one.
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
}

int Explain(Command* command) {
  le::directory::OsUsers users;
  le::directory::UserContext context;
  context.users = &users;
  const absl::StatusOr<le::directory::ClientKey> client =
      le::directory::ParseClient(command->NextName("CLIENT"), context);
  if (!client.ok()) Misused(std::string(client.status().message()));
  if (!client->uid.has_value() || client->name == le::directory::kAnyName) {
    Misused("explain needs one user and one interface, without *");
  }
  command->End();
  le::sdir::Names names(&users);
  const le::sdir::Explanation explanation =
      le::sdir::Explain(AskForList(*command), *client, &names);
  std::fputs(explanation.text.c_str(), stdout);
  return explanation.can_open ? le::directory::kDone : kNo;
}

void Do(const Command& command, ToDirectory request) {
  Directory directory(command.socket_dir());
  directory.Say(std::move(request));
  directory.HearDone();
}

// Changes one binding.
void Change(const Command& command, ToDirectory request) {
  Do(command, std::move(request));
  // The directory has not waited until the disk has its file.
  if (command.Has("--persist")) sync();
}

std::string ReadAll(const std::string& file) {
  std::FILE* const stream =
      file == "-" ? stdin : std::fopen(file.c_str(), "rbe");
  std::string text;
  char part[65536];
  size_t size = 0;
  while (stream != nullptr &&
         (size = std::fread(part, 1, sizeof(part), stream)) > 0) {
    text.append(part, size);
  }
  if (stream == nullptr || std::ferror(stream) != 0) {
    Fail(kFailed,
         absl::StrCat("cannot read ", file, ": ", std::strerror(errno)));
  }
  if (stream != stdin) std::fclose(stream);
  return text;
}

void Load(Command* command) {
  const absl::optional<std::string> file = command->NextIfAny();
  command->End();
  if (!file.has_value()) {
    if (command->Has("--check")) Misused("--check needs a FILE");
    ToDirectory request;
    request.mutable_reload();
    return Do(*command, std::move(request));
  }
  const std::string text = ReadAll(*file);
  Directory directory(command->socket_dir());
  size_t at = 0;
  do {
    const size_t size = std::min(le::directory::kPartBytes, text.size() - at);
    ToDirectory request;
    request.mutable_load()->set_text(text.substr(at, size));
    request.mutable_load()->set_file_name(*file == "-" ? "standard input"
                                                       : *file);
    request.mutable_load()->set_check_only(command->Has("--check"));
    at += size;
    request.mutable_load()->set_last(at == text.size());
    directory.Say(std::move(request));
  } while (at < text.size());
  directory.HearDone();
}

void WaitFor(Command* command) {
  ToDirectory request;
  request.mutable_wait()->set_service(command->NextName("SERVICE"));
  command->End();
  const le::event::Instant deadline =
      le::event::Process::Current()->Now() +
      command->Timeout().value_or(absl::InfiniteDuration());
  Directory(command->socket_dir(), std::move(request), deadline);
}

// ---- Typed services --------------------------------------------------------

[[noreturn]] void FailWith(const absl::Status& status) {
  Fail(absl::IsDeadlineExceeded(status) ? kOutOfTime : kFailed,
       absl::StrCat(absl::StatusCodeToString(status.code()), ": ",
                    EscapedText(status.message())));
}
template <typename T>
T OrFail(absl::StatusOr<T> result) {
  if (!result.ok()) FailWith(result.status());
  return *std::move(result);
}

Described AskForDescription(const Command& command,
                            const std::string& service) {
  ToDirectory request;
  const absl::optional<std::string> as = command.Value("--as");
  if (as.has_value()) {
    request.mutable_describe()->set_interface_name(*as);
  } else {
    request.mutable_describe()->set_service(service);
  }
  Directory directory(command.socket_dir());
  directory.Say(std::move(request));
  const FromDirectory answer = directory.Hear();
  if (!answer.has_described()) {
    Fail(kFailed, "this is not a directory, or one of another version");
  }
  if (!as.has_value()) return answer.described();
  // The binding has chosen the service.
  le::directory::OsUsers users;
  le::directory::UserContext context;
  context.users = &users;
  const absl::StatusOr<le::directory::ServiceKey> wanted =
      le::directory::ParseService(service, context);
  if (!wanted.ok()) Misused(std::string(wanted.status().message()));
  if (le::directory::Format(*wanted, nullptr) != answer.described().service()) {
    Fail(kFailed, absl::StrCat("'", *as, "' is bound to ",
                               EscapedText(answer.described().service())));
  }
  return answer.described();
}

// Opens a session with a service, and no other session of this process.
// For the sessions of this process. If `service` is not empty, they are with
// this service and need no binding.
void InstallIntroducer(const Command& command, const std::string& service) {
  // A warning of the library is the text of a status here.
  le::event::SetLogLevel(le::event::LogLevel::kError);
  le::messaging::Runtime::Parts parts;
  parts.introducer = le::sdir::NewIntroducer(command.socket_dir(), service);
  le::messaging::Runtime::Install(le::event::Process::Current(),
                                  std::move(parts));
}

absl::StatusOr<std::unique_ptr<le::sdir::Caller>> OpenSession(
    const Command& command, const Described& service, absl::Duration timeout) {
  const absl::optional<std::string> as = command.Value("--as");
  InstallIntroducer(command, as.has_value() ? "" : service.service());
  le::sdir::Caller::Service typed;
  typed.protocol_id = service.protocol_id();
  typed.max_message_size = service.max_message_size();
  return le::sdir::Caller::Open(as.value_or("sdir"), std::move(typed), timeout);
}

void Introspect(Command* command) {
  const std::string service = command->NextName("SERVICE");
  command->End();
  const Described described = AskForDescription(*command, service);
  const auto caller = OrFail(OpenSession(*command, described, kAnswerTimeout));
  const auto typed = OrFail(caller->Introspect(kAnswerTimeout));
  std::printf("// %s, protocol %s, of pid %d\n\n%s",
              EscapedText(described.service()).c_str(),
              EscapedText(described.protocol_id()).c_str(), described.pid(),
              EscapedText(typed->Text()).c_str());
}

// Opens the file for --fd.
le::UniqueFd OpenFile(const Command& command) {
  const absl::optional<std::string> file = command.Value("--fd");
  if (!file.has_value()) return le::UniqueFd();
  le::UniqueFd fd(*file == "-" ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0)
                               : open(file->c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) {
    Fail(kFailed,
         absl::StrCat("cannot open ", *file, ": ", std::strerror(errno)));
  }
  return fd;
}

void Call(Command* command) {
  const std::string name = command->NextName("SERVICE.METHOD");
  const std::string json = command->NextIfAny().value_or("{}");
  command->End();
  const size_t dot = name.rfind('.');
  const std::string service = name.substr(0, dot);
  Command::Named(service, "SERVICE, before the METHOD");
  const absl::optional<absl::Duration> timeout = command->Timeout();
  le::UniqueFd fd = OpenFile(*command);

  le::event::Process* const process = le::event::Process::Current();
  const le::event::Instant end =
      process->Now() + timeout.value_or(absl::InfiniteDuration());
  const auto left = [&](absl::Duration most) {
    return std::min(most, end - process->Now());
  };
  const absl::Duration answer = timeout.value_or(kAnswerTimeout);
  const auto caller = OrFail(OpenSession(
      *command, AskForDescription(*command, service), left(answer)));
  const auto typed = OrFail(caller->Introspect(left(answer)));
  const absl::StatusOr<le::sdir::TypedService::Method> method =
      typed->FindMethod(absl::string_view(name).substr(dot + 1));
  if (absl::IsNotFound(method.status())) {
    Misused(EscapedText(method.status().message()));
  }
  if (!method.ok()) FailWith(method.status());
  if (method->fd_in != static_cast<bool>(fd)) {
    Misused(method->fd_in ? "the method needs --fd=FILE"
                          : "the method has no file descriptor: no --fd");
  }
  const auto request =
      typed->FromJson(json == "-" ? ReadAll(json) : json, method->request);
  if (!request.ok()) Misused(EscapedText(request.status().message()));
  const auto response = typed->NewMessage(method->response);
  const absl::Status status = caller->Call(
      *method, **request, std::move(fd),
      le::CallOptions().Timeout(left(absl::InfiniteDuration())), response.get(),
      [](const google::protobuf::Message& message) {
        std::printf("%s\n",
                    OrFail(le::sdir::TypedService::ToJson(message)).c_str());
        std::fflush(stdout);
      });
  if (!status.ok()) FailWith(status);
  if (method->fd_out) {
    std::fprintf(stderr, "sdir: the response's file descriptor is dropped\n");
  }
}

void Monitor(Command* command) {
  const le::sdir::Filter filter = command->NextFilter();
  command->End();
  const bool json = command->WantsJson();
  le::directory::OsUsers users;
  le::sdir::Names names(&users);
  le::event::Process* const process = le::event::Process::Current();
  Directory directory(command->socket_dir());
  ToDirectory request;
  request.mutable_monitor();
  directory.Say(std::move(request));
  directory.HearDone();
  for (;;) {
    const FromDirectory message = directory.HearEvent();
    if (!message.has_event() || !filter.Selects(message.event(), &names)) {
      continue;
    }
    const le::directory::proto::Event& event = message.event();
    // The event has a time of the monotonic clock.
    const absl::Duration age =
        event.at_ns() == 0
            ? absl::ZeroDuration()
            : process->Now() - absl::FromUnixNanos(event.at_ns());
    const absl::Time at = absl::Now() - age;
    const std::string line = json ? le::sdir::EventJson(event, at, &names)
                                  : le::sdir::EventText(event, at, &names);
    std::fputs(line.c_str(), stdout);
    if (std::fflush(stdout) != 0) return;  // the output has no reader
  }
}

// ---- Taps ------------------------------------------------------------------

// Calls `on_record` for each record, until --timeout or the end of the tap. The
// time of a record is one of the system's clock. Writes all output whenever
// nothing is left to read.
template <typename OnRecord>
void RunTap(const Command& command, const std::string& service,
            OnRecord on_record) {
  le::directory::OsUsers users;
  le::directory::UserContext context;
  context.users = &users;
  const auto key = le::directory::ParseService(service, context);
  if (!key.ok()) Misused(std::string(key.status().message()));
  pid_t client = 0;
  const absl::optional<std::string> pid = command.Value("--client");
  if (pid.has_value() && (!absl::SimpleAtoi(*pid, &client) || client <= 0)) {
    Misused(absl::StrCat("'", *pid, "' is not the number of a process"));
  }
  le::event::Process* const process = le::event::Process::Current();
  const le::event::Instant end =
      process->Now() + command.Timeout().value_or(absl::InfiniteDuration());
  le::sdir::Tap tap(command.socket_dir(), *key, client);
  const int64_t since_1970 =
      absl::ToUnixNanos(absl::Now()) - absl::ToUnixNanos(process->Now());
  le::sdir::RecordedFrame frame;
  auto result = le::sdir::Tap::Result::kNothingYet;
  while (process->Now() < end && result != le::sdir::Tap::Result::kEnd) {
    result = tap.Next(&frame.record, &frame.payload);
    if (result == le::sdir::Tap::Result::kRecord) {
      frame.record.at_ns += since_1970;
      on_record(frame);
    } else if (std::fflush(nullptr) != 0) {
      return;  // the output has no reader
    }
  }
  if (tap.lost_at_end() > 0) {
    std::fprintf(stderr, "sdir: %u messages were lost at the end\n",
                 tap.lost_at_end());
  }
  if (result == le::sdir::Tap::Result::kEnd) {
    std::fprintf(stderr, "sdir: the server has ended the tap\n");
  }
}

void TapService(Command* command) {
  const std::string service = command->NextName("SERVICE");
  command->End();
  const bool json = command->WantsJson();
  // Before the tap, in which this session would appear.
  std::unique_ptr<le::sdir::TypedService> typed;
  {
    const auto caller = OpenSession(
        *command, AskForDescription(*command, service), kAnswerTimeout);
    if (caller.ok()) {
      auto read = (*caller)->Introspect(kAnswerTimeout);
      if (read.ok()) typed = *std::move(read);
    }
  }
  le::directory::OsUsers users;
  le::sdir::Names names(&users);
  le::sdir::Latencies latencies;
  RunTap(*command, service, [&](const le::sdir::RecordedFrame& frame) {
    const std::string decoded =
        typed == nullptr
            ? ""
            : le::sdir::DescribeMessage(typed.get(), frame.payload);
    const auto format = json ? le::sdir::TapJson : le::sdir::TapText;
    std::fputs(format(frame.record, frame.payload, decoded,
                      latencies.Take(frame.record),
                      absl::FromUnixNanos(frame.record.at_ns), &names)
                   .c_str(),
               stdout);
  });
}

void Record(Command* command) {
  const std::string service = command->NextName("SERVICE");
  const std::string file = command->Next("FILE");
  command->End();
  const Described described = AskForDescription(*command, service);
  le::sdir::Recording recording;
  recording.service = described.service();
  recording.protocol_id = described.protocol_id();
  recording.max_message_size = described.max_message_size();
  std::FILE* const output =
      file == "-" ? stdout : std::fopen(file.c_str(), "wbe");
  const auto check = [&](bool written) {
    if (written) return;
    Fail(kFailed,
         absl::StrCat("cannot write ", file, ": ", std::strerror(errno)));
  };
  const auto write = [&](const std::string& bytes) {
    check(output != nullptr &&
          std::fwrite(bytes.data(), 1, bytes.size(), output) == bytes.size());
  };
  write(le::sdir::PcapngHeader(recording));
  RunTap(*command, service, [&](const le::sdir::RecordedFrame& frame) {
    write(le::sdir::PcapngBlock(frame));
  });
  check(std::fflush(output) == 0);
}

int Replay(Command* command) {
  const std::string file = command->Next("FILE");
  const std::string service = command->NextName("SERVICE");
  command->End();
  le::sdir::ReplayOptions options;
  options.interface = "sdir";
  const absl::optional<std::string> speed = command->Value("--speed");
  if (speed.has_value() &&
      (!absl::SimpleAtod(*speed, &options.speed) || !(options.speed >= 0))) {
    Misused(absl::StrCat("'", *speed, "' is not a speed"));
  }
  options.timeout = command->Timeout().value_or(options.timeout);
  const absl::StatusOr<le::sdir::Recording> recording =
      le::sdir::ParsePcapng(ReadAll(file));
  if (!recording.ok()) FailWith(recording.status());
  const Described described = AskForDescription(*command, service);
  if (described.protocol_id() != recording->protocol_id ||
      described.max_message_size() != recording->max_message_size) {
    Fail(kFailed, absl::StrCat("the messages are of protocol '",
                               EscapedText(recording->protocol_id), "' (",
                               recording->max_message_size,
                               " bytes), and the service has protocol '",
                               EscapedText(described.protocol_id()), "' (",
                               described.max_message_size(), " bytes)"));
  }
  InstallIntroducer(*command, described.service());
  le::sdir::ReplayCounts counts;
  const absl::Status status = le::sdir::Replay(
      *recording, options,
      [](const std::string& difference) {
        std::printf("%s\n", EscapedText(difference).c_str());
      },
      &counts);
  if (!status.ok()) FailWith(status);
  std::printf(
      "%llu messages sent, %llu skipped; %llu responses are the same, "
      "%llu differ, %llu were not recorded\n",
      static_cast<unsigned long long>(counts.sent),
      static_cast<unsigned long long>(counts.skipped),
      static_cast<unsigned long long>(counts.same),
      static_cast<unsigned long long>(counts.different),
      static_cast<unsigned long long>(counts.unknown));
  return counts.different > 0 ? kNo : le::directory::kDone;
}

}  // namespace

int main(int argc, char** argv) {
  le::event::sys::OpenMissingStandard();
  Command command(argc, argv);
  if (command.Has("--version")) {
    std::printf("sdir %s\n", le::directory::kVersion);
    return std::fflush(stdout) == 0 ? le::directory::kDone : kFailed;
  }
  const std::string name = command.Has("--help") ? "help" : command.Begin();
  int status = le::directory::kDone;
  if (name == "help") {
    Help(&command);
  } else if (name == "list") {
    List(&command);
  } else if (name == "bind") {
    ToDirectory request;
    const auto binding = command.NextBinding();
    request.mutable_bind()->set_client(binding.first);
    request.mutable_bind()->set_service(binding.second);
    request.mutable_bind()->set_persist(command.Has("--persist"));
    command.End();
    Change(command, std::move(request));
  } else if (name == "unbind") {
    ToDirectory request;
    request.mutable_unbind()->set_client(command.NextName("CLIENT"));
    request.mutable_unbind()->set_persist(command.Has("--persist"));
    command.End();
    Change(command, std::move(request));
  } else if (name == "load") {
    Load(&command);
  } else if (name == "wait") {
    WaitFor(&command);
  } else if (name == "monitor") {
    Monitor(&command);
  } else if (name == "explain") {
    status = Explain(&command);
  } else if (name == "top") {
    RunTop(&command);
  } else if (name == "metrics") {
    PrintMetrics(&command);
  } else if (name == "introspect") {
    Introspect(&command);
  } else if (name == "call") {
    Call(&command);
  } else if (name == "tap") {
    TapService(&command);
  } else if (name == "record") {
    Record(&command);
  } else if (name == "replay") {
    status = Replay(&command);
  }
  return std::fflush(stdout) == 0 ? status : kFailed;
}
