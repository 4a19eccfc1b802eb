// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// A process's way to the directory, over any transport.

#ifndef LE_MESSAGING_DIRECTORY_CLIENT_H_
#define LE_MESSAGING_DIRECTORY_CLIENT_H_

#include <atomic>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/types/optional.h"
#include "directory/introducer.h"
#include "directory/place.h"
#include "event/process.h"
#include "transports/transport.h"

namespace le {
namespace directory {

// How long to wait before the next try, after so many in vain. Pure.
class BackOff {
 public:
  static constexpr absl::Duration kFirst = absl::Milliseconds(10);
  static constexpr absl::Duration kLongest = absl::Seconds(1);

  // `random`: any number. It spreads clients that lost a connection together.
  absl::Duration Next(uint64_t random);
  // The same, after `failed`. If the backlog is full, the pause does not grow: all
  // users share the backlog and it empties quickly, so growing pauses would favour
  // the user who floods it.
  absl::Duration NextAfter(const absl::Status& failed, uint64_t random);
  void Reset() { tries_ = 0; }

 private:
  int tries_ = 0;
};

// Thread-safe: each opening and offer has a connection of its own.
class DirectoryClient final : public Introducer {
 public:
  // Neither is owned. The place is looked up anew at each try, until a directory has
  // been found: its kind is kept then (see FindPlace()). `address` replaces it for
  // transports whose addresses are no paths.
  DirectoryClient(event::Process* process, transports::Transport* transport,
                  absl::optional<std::string> address = absl::nullopt);

  std::unique_ptr<Opening> Open(event::Loop* loop,
                                const InterfaceDescription& client, bool wait,
                                Opening::Observer* observer) override;
  std::unique_ptr<Offer> Advertise(event::Loop* loop,
                                   const InterfaceDescription& service,
                                   Offer::Observer* observer) override;

  // A connection to a directory that may be trusted. Unavailable, with the
  // reason, if there is none now; Unauthenticated if there is one that may not.
  // `reason`, which may be null, is that of a failure.
  absl::StatusOr<std::unique_ptr<transports::Connection>> Connect(
      WaitReason* reason = nullptr);

 private:
  class DirectoryOpening;
  class DirectoryOffer;

  event::Process* const process_;
  transports::Transport* const transport_;
  const absl::optional<std::string> address_;
  std::atomic<Place::Kind> kept_{Place::Kind::kNone};
  // For what the directory says; shared by all, which need it only briefly.
  const transports::BufferPool::Ptr pool_;
};

}  // namespace directory
}  // namespace le

#endif  // LE_MESSAGING_DIRECTORY_CLIENT_H_
