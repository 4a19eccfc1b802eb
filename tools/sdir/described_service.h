// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// Opens sessions with a service. The directory has told sdir the service's
// protocol.

#ifndef LE_MESSAGING_TOOLS_SDIR_DESCRIBED_SERVICE_H_
#define LE_MESSAGING_TOOLS_SDIR_DESCRIBED_SERVICE_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "directory/proto/directory.pb.h"
#include "tools/sdir/caller.h"
#include "tools/sdir/command.h"

namespace le {
namespace sdir {

// Asks the directory for the service's protocol. With --as=INTERFACE, INTERFACE
// must be bound to this service. An error ends the program.
directory::proto::Described AskForDescription(const Command& command,
                                              const std::string& service);

// Sets the introducer for the sessions of this process. If `service` is not
// empty, the sessions are with this service and need no binding.
void InstallIntroducer(const Command& command, const std::string& service);

// Opens a session with a typed service. Installs the introducer, so this
// function may be called only once.
absl::StatusOr<std::unique_ptr<Caller>> OpenSession(
    const Command& command, const directory::proto::Described& service,
    absl::Duration timeout);

}  // namespace sdir
}  // namespace le

#endif  // LE_MESSAGING_TOOLS_SDIR_DESCRIBED_SERVICE_H_
