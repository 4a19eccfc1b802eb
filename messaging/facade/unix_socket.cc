// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// The facade of //messaging:le_messaging: Unix sockets between processes, and a
// directory in a process of its own.

#include "transports/unix_socket/unix_socket.h"

#include <memory>

#include "directory/client.h"
#include "messaging/facade/local_parts.h"
#include "messaging/session/runtime.h"
#include "transports/loopback/loopback.h"

LE_ONLY_FACADE();

namespace le {
namespace messaging {
namespace {

struct UnixParts {
  explicit UnixParts(event::Process* process)
      : transport(process), client(process, &transport) {}

  transports::UnixTransport transport;
  directory::DirectoryClient client;
};

}  // namespace

Runtime::Parts DefaultParts(event::Process* process) {
  auto parts = std::make_shared<UnixParts>(process);
  Runtime::Parts result;
  result.introducer =
      std::shared_ptr<directory::Introducer>(parts, &parts->client);
  result.make_local_introducer =
      MakerOfLocalIntroducer(process, &transports::NewLoopback);
  return result;
}

}  // namespace messaging
}  // namespace le
