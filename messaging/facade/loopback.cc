// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// The facade of //messaging:le_messaging_loopback: everything in one process.

#include "transports/loopback/loopback.h"

#include <memory>
#include <string>

#include "directory/in_process_directory.h"
#include "event/base/log.h"
#include "event/os_process.h"
#include "le_messaging_loopback.h"
#include "messaging/facade/local_parts.h"
#include "messaging/session/runtime.h"

LE_ONLY_FACADE();

namespace le {
namespace messaging {
namespace {

// The directory of a process.
class LoopbackWorld final : public event::ModuleState {
 public:
  static LoopbackWorld* Of(event::Process* process) {
    return process->State<LoopbackWorld>(
        [process] { return std::make_unique<LoopbackWorld>(process); });
  }

  explicit LoopbackWorld(event::Process* process)
      : parts_(std::make_shared<LocalParts>(
            process, transports::NewLoopback(process))) {}

  directory::InProcessDirectory* directory() { return &parts_->directory; }
  std::shared_ptr<directory::Introducer> introducer() {
    return IntroducerOf(parts_);
  }

 private:
  const std::shared_ptr<LocalParts> parts_;
};

}  // namespace

Runtime::Parts DefaultParts(event::Process* process) {
  Runtime::Parts parts;
  parts.introducer = LoopbackWorld::Of(process)->introducer();
  parts.make_local_introducer =
      MakerOfLocalIntroducer(process, &transports::NewLoopback);
  return parts;
}

}  // namespace messaging
}  // namespace le

le_result_t le_msg_SetLoopbackBindings(const char* bindingsText) {
  le::event::CheckNotForked(__func__);
  if (bindingsText == nullptr) {
    le::event::Misuse(__func__, "the text is NULL");
  }
  const absl::Status set =
      le::messaging::LoopbackWorld::Of(le::event::Process::Current())
          ->directory()
          ->SetBindings(bindingsText);
  if (set.ok()) return LE_OK;
  le::event::Log(le::event::LogLevel::kError,
                 absl::StrCat("le_msg_SetLoopbackBindings: ", set.message()));
  return LE_FORMAT_ERROR;
}
