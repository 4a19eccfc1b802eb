// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// The commands that change bindings, and the one that waits for a service.

#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <string>
#include <utility>

#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "directory/control_frame.h"
#include "directory/program.h"
#include "event/process.h"
#include "tools/sdir/command.h"
#include "tools/sdir/commands.h"
#include "tools/sdir/directory.h"
#include "tools/sdir/file.h"

namespace le {
namespace sdir {

using directory::proto::ToDirectory;

namespace {

int Do(const Command& command, ToDirectory request) {
  Directory directory(command.socket_dir());
  directory.Say(std::move(request));
  directory.HearDone();
  return directory::kDone;
}

// Changes one binding.
int Change(const Command& command, ToDirectory request) {
  const int status = Do(command, std::move(request));
  // The directory does not wait until its file is on the disk.
  if (command.Has("--persist")) sync();
  return status;
}

}  // namespace

int RunBind(Command* command) {
  ToDirectory request;
  const auto binding = command->NextBinding();
  request.mutable_bind()->set_client(binding.first);
  request.mutable_bind()->set_service(binding.second);
  request.mutable_bind()->set_persist(command->Has("--persist"));
  command->End();
  return Change(*command, std::move(request));
}

int RunUnbind(Command* command) {
  ToDirectory request;
  request.mutable_unbind()->set_client(command->NextName("CLIENT"));
  request.mutable_unbind()->set_persist(command->Has("--persist"));
  command->End();
  return Change(*command, std::move(request));
}

int RunLoad(Command* command) {
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
    const size_t size = std::min(directory::kPartBytes, text.size() - at);
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
  return directory::kDone;
}

int RunWait(Command* command) {
  ToDirectory request;
  request.mutable_wait()->set_service(command->NextName("SERVICE"));
  command->End();
  const event::Instant deadline =
      event::Process::Current()->Now() +
      command->Timeout().value_or(absl::InfiniteDuration());
  const Directory found(command->socket_dir(), std::move(request), deadline);
  return directory::kDone;
}

}  // namespace sdir
}  // namespace le
