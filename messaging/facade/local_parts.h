// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// A directory within the process, for the facades and the test kit.

#ifndef LE_MESSAGING_MESSAGING_FACADE_LOCAL_PARTS_H_
#define LE_MESSAGING_MESSAGING_FACADE_LOCAL_PARTS_H_

#include <functional>
#include <memory>
#include <utility>

#include "directory/in_process_directory.h"
#include "event/process.h"
#include "transports/transport.h"

// Each facade uses this macro once. If a program links two facades, the
// linker's error has the name of this variable.
#define LE_ONLY_FACADE()                                                 \
  extern "C" {                                                           \
  extern const char link_le_messaging_or_le_messaging_loopback_not_both; \
  const char link_le_messaging_or_le_messaging_loopback_not_both = 0;    \
  }                                                                      \
  static_assert(true, "")

namespace le {
namespace messaging {

struct LocalParts {
  LocalParts(event::Process* process,
             std::shared_ptr<transports::LocalTransport> transport)
      : transport(std::move(transport)), directory(process) {}

  const std::shared_ptr<transports::LocalTransport> transport;
  directory::InProcessDirectory directory;
};

// Returns an introducer that keeps `parts` alive.
inline std::shared_ptr<directory::Introducer> IntroducerOf(
    std::shared_ptr<LocalParts> parts) {
  std::unique_ptr<directory::Introducer> introducer =
      parts->directory.IntroducerFor(parts->transport.get());
  return std::shared_ptr<directory::Introducer>(
      introducer.release(), [parts](directory::Introducer* i) { delete i; });
}

// Returns a function for Runtime::Parts. That function creates an introducer
// for clients and services within `process`, with a transport of its own.
inline std::function<std::shared_ptr<directory::Introducer>()>
MakerOfLocalIntroducer(event::Process* process,
                       std::shared_ptr<transports::LocalTransport> (
                           *new_transport)(event::Process*)) {
  return [process, new_transport] {
    return IntroducerOf(
        std::make_shared<LocalParts>(process, new_transport(process)));
  };
}

}  // namespace messaging
}  // namespace le

#endif  // LE_MESSAGING_MESSAGING_FACADE_LOCAL_PARTS_H_
