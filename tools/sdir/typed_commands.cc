// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// The commands that call typed services.

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdio>
#include <cstring>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "directory/program.h"
#include "event/process.h"
#include "google/protobuf/message.h"
#include "le/call_options.h"
#include "le/unique_fd.h"
#include "tools/sdir/caller.h"
#include "tools/sdir/command.h"
#include "tools/sdir/commands.h"
#include "tools/sdir/described_service.h"
#include "tools/sdir/directory.h"
#include "tools/sdir/file.h"
#include "tools/sdir/text.h"
#include "tools/sdir/typed_service.h"

namespace le {
namespace sdir {

using directory::kFailed;
using directory::proto::Described;

namespace {

// Opens the file for --fd.
UniqueFd OpenFile(const Command& command) {
  const absl::optional<std::string> file = command.Value("--fd");
  if (!file.has_value()) return UniqueFd();
  UniqueFd fd(*file == "-" ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0)
                           : open(file->c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) {
    Fail(kFailed,
         absl::StrCat("cannot open ", *file, ": ", std::strerror(errno)));
  }
  return fd;
}

}  // namespace

int RunIntrospect(Command* command) {
  const std::string service = command->NextName("SERVICE");
  command->End();
  const Described described = AskForDescription(*command, service);
  const auto caller = OrFail(OpenSession(*command, described, kAnswerTimeout));
  const auto typed = OrFail(caller->Introspect(kAnswerTimeout));
  std::printf("// %s, protocol %s, of pid %d\n\n%s",
              EscapedLine(described.service()).c_str(),
              EscapedLine(described.protocol_id()).c_str(), described.pid(),
              EscapedText(typed->Text()).c_str());
  return directory::kDone;
}

int RunCall(Command* command) {
  const std::string name = command->NextName("SERVICE.METHOD");
  const std::string json = command->NextIfAny().value_or("{}");
  command->End();
  const size_t dot = name.rfind('.');
  if (dot == 0 || dot == std::string::npos || name[dot - 1] == '>') {
    Misused(absl::StrCat("'", name,
                         "' has no METHOD: expected "
                         "'<USER>.INTERFACE.METHOD', in quotes"));
  }
  const std::string service = name.substr(0, dot);
  Command::Named(service, "SERVICE, before the METHOD");
  const absl::optional<absl::Duration> timeout = command->Timeout();
  UniqueFd fd = OpenFile(*command);

  event::Process* const process = event::Process::Current();
  const event::Instant end =
      process->Now() + timeout.value_or(absl::InfiniteDuration());
  const auto left = [&](absl::Duration most) {
    return std::min(most, end - process->Now());
  };
  const absl::Duration answer = timeout.value_or(kAnswerTimeout);
  const Described described = AskForDescription(*command, service);
  const auto caller = OrFail(OpenSession(*command, described, left(answer)));
  const auto typed = OrFail(caller->Introspect(left(answer)));
  const absl::StatusOr<TypedService::Method> method =
      typed->FindMethod(absl::string_view(name).substr(dot + 1));
  if (absl::IsNotFound(method.status())) {
    Misused(EscapedLine(method.status().message()));
  }
  if (!method.ok()) FailWith(method.status());
  if (method->fd_in != static_cast<bool>(fd)) {
    Misused(method->fd_in ? "the method needs --fd=FILE"
                          : "the method takes no file descriptor: omit --fd");
  }
  const auto request =
      typed->FromJson(json == "-" ? ReadAll(json) : json, method->request);
  if (!request.ok()) Misused(EscapedLine(request.status().message()));
  const auto response = typed->NewMessage(method->response);
  const absl::Status status = caller->Call(
      *method, **request, std::move(fd),
      CallOptions().Timeout(left(absl::InfiniteDuration())), response.get(),
      [](const google::protobuf::Message& message) {
        std::printf("%s\n", OrFail(TypedService::ToJson(message)).c_str());
        FlushOutput();
      });
  if (!status.ok()) FailWith(status);
  if (method->fd_out) {
    std::fprintf(stderr, "sdir: the response's file descriptor is dropped\n");
  }
  return directory::kDone;
}

}  // namespace sdir
}  // namespace le
