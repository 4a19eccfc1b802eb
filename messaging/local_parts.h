// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// For the facades: a directory within the process, and all it stands on.

#ifndef LE_MESSAGING_MESSAGING_LOCAL_PARTS_H_
#define LE_MESSAGING_MESSAGING_LOCAL_PARTS_H_

#include <memory>

#include "directory/in_process_directory.h"
#include "event/process.h"
#include "transports/loopback/loopback.h"

namespace le {
namespace messaging {

struct LocalParts {
  explicit LocalParts(event::Process* process)
      : transport(&network, process), directory(process) {}

  transports::LoopbackNetwork network;
  transports::LoopbackTransport transport;
  directory::InProcessDirectory directory;
};

// An introducer that keeps its parts.
inline std::shared_ptr<directory::Introducer> IntroducerOf(
    std::shared_ptr<LocalParts> parts) {
  std::unique_ptr<directory::Introducer> introducer =
      parts->directory.IntroducerFor(&parts->transport);
  return std::shared_ptr<directory::Introducer>(
      introducer.release(), [parts](directory::Introducer* i) { delete i; });
}

}  // namespace messaging
}  // namespace le

#endif  // LE_MESSAGING_MESSAGING_LOCAL_PARTS_H_
