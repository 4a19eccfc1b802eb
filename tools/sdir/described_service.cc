// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "tools/sdir/described_service.h"

#include <memory>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "directory/bindings.h"
#include "directory/control_frame.h"
#include "directory/program.h"
#include "directory/users.h"
#include "event/base/log.h"
#include "event/process.h"
#include "messaging/session/runtime.h"
#include "tools/sdir/caller.h"
#include "tools/sdir/command.h"
#include "tools/sdir/directory.h"
#include "tools/sdir/text.h"

namespace le {
namespace sdir {

using directory::kFailed;
using directory::proto::Described;
using directory::proto::FromDirectory;
using directory::proto::ToDirectory;

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
    Fail(kFailed,
         "the directory has not described the service: it is of another "
         "version");
  }
  if (!as.has_value()) return answer.described();
  // The binding chooses the service. It must choose the service that the
  // command line names.
  directory::OsUsers users;
  directory::UserContext context;
  context.users = &users;
  const absl::StatusOr<directory::ServiceKey> wanted =
      directory::ParseService(service, context);
  if (!wanted.ok()) Misused(std::string(wanted.status().message()));
  if (directory::Format(*wanted, nullptr) != answer.described().service()) {
    Fail(kFailed, absl::StrCat("'", *as, "' is bound to ",
                               EscapedLine(answer.described().service()),
                               ", not to ", EscapedLine(service),
                               ": choose another interface for --as"));
  }
  return answer.described();
}

void InstallIntroducer(const Command& command, const std::string& service) {
  // The library's warnings are not needed, because a status has the same text.
  event::SetLogLevel(event::LogLevel::kError);
  messaging::Runtime::Parts parts;
  parts.introducer = NewIntroducer(command.socket_dir(), service);
  messaging::Runtime::Install(event::Process::Current(), std::move(parts));
}

absl::StatusOr<std::unique_ptr<Caller>> OpenSession(const Command& command,
                                                    const Described& service,
                                                    absl::Duration timeout) {
  const absl::optional<std::string> as = command.Value("--as");
  InstallIntroducer(command, as.has_value() ? "" : service.service());
  return Caller::Open(as.value_or("sdir"), service.protocol_id(),
                      service.max_message_size(), timeout);
}

}  // namespace sdir
}  // namespace le
