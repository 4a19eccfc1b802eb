// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "directory/server_peer.h"

#include "directory/server_list.h"

namespace le {
namespace directory {

DirectoryServer::Peer::Peer(DirectoryServer* directory, PeerId id,
                            PeerIdentity identity,
                            std::unique_ptr<transports::Connection> connection,
                            Charges charges)
    : directory_(directory),
      id_(id),
      identity_(identity),
      connection_(std::move(connection)),
      charges_(std::move(charges)) {}

DirectoryServer::Peer::~Peer() = default;

void DirectoryServer::Peer::OnDrained() {
  if (list != nullptr) list->GoOn();
}

}  // namespace directory
}  // namespace le
