// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef LE_MESSAGING_TOOLS_SDIR_TAP_H_
#define LE_MESSAGING_TOOLS_SDIR_TAP_H_

#include <sys/types.h>

#include <memory>
#include <string>

#include "directory/bindings.h"
#include "directory/proto/inspection.pb.h"
#include "directory/tap_ring.h"
#include "event/base/unique_fd.h"
#include "event/process.h"
#include "tools/sdir/directory.h"
#include "transports/transport.h"

namespace le {
namespace sdir {

// The messages of a service, as they happen. An error ends the program. The
// server is not trusted.
class Tap {
 public:
  // Begins to tap the server that offers the service. `client` is the process
  // whose sessions are tapped. 0: the sessions of all processes.
  Tap(const std::string& socket_dir, const directory::ServiceKey& service,
      pid_t client);

  enum class Result { kRecord, kNothingYet, kEnd };
  // Takes the next record. Waits for a short time if there is none. kEnd: the
  // server has ended the tap.
  Result Next(inspection::TapRecord* record, std::string* payload);
  // The number of messages that were lost since the last record.
  uint32_t lost_since_last_record() const {
    return ring_->lost_since_last_record();
  }

 private:
  // Sends a request, and `file` if it is not null. Returns the answer.
  inspection::proto::Answer Ask(const inspection::proto::Request& request,
                                event::UniqueFd* file);

  event::Process* const process_ = event::Process::Current();
  Directory directory_;
  const transports::BufferPool::Ptr pool_;
  std::unique_ptr<inspection::TapReader> ring_;
  bool has_ended_ = false;
};

}  // namespace sdir
}  // namespace le

#endif  // LE_MESSAGING_TOOLS_SDIR_TAP_H_
