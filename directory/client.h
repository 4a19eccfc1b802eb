// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// Connects a process to the directory, over any transport.

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

// Computes the pause before the next try. The pause grows with each failed try.
// Pure.
class BackOff {
 public:
  static constexpr absl::Duration kFirst = absl::Milliseconds(10);
  static constexpr absl::Duration kLongest = absl::Seconds(1);
  static constexpr absl::Duration kFirstAtFullBacklog = absl::Milliseconds(4);
  static constexpr absl::Duration kLongestAtFullBacklog =
      absl::Milliseconds(100);
  // These tries take about 1.5 s.
  static constexpr int kQuickTriesAtFullBacklog = 500;

  // `random` is any number. It spreads the tries of clients that have lost
  // their connections at the same time.
  absl::Duration Next(uint64_t random);
  // The pause after the error `failed`. If the directory's backlog is full, the
  // pauses are short: the backlog empties quickly, and a user that fills it
  // would win against clients with long pauses. After kQuickTriesAtFullBacklog
  // tries the pauses grow, because the directory may be stopped.
  absl::Duration NextAfter(const absl::Status& failed, uint64_t random);
  void Reset() { *this = BackOff(); }

 private:
  int tries_ = 0;
  int tries_at_full_backlog_ = -kQuickTriesAtFullBacklog;
};

// Thread-safe: each opening and offer has a connection of its own.
class DirectoryClient final : public Introducer {
 public:
  // Does not own `process` and `transport`. Each try looks up the place (the
  // folder of the directory's socket). Once a directory was found, the kind of
  // its place is kept (see FindPlace()). `address` replaces the place for
  // transports whose addresses are not paths. If `service` is not empty, each
  // opening names this service, "<user>.interface", and needs no binding. Only
  // root and the directory's user may do so.
  DirectoryClient(event::Process* process, transports::Transport* transport,
                  absl::optional<std::string> address = absl::nullopt,
                  std::string service = std::string());

  std::unique_ptr<Opening> Open(event::Loop* loop,
                                const InterfaceDescription& client, bool wait,
                                Opening::Observer* observer) override;
  std::unique_ptr<Offer> Advertise(event::Loop* loop,
                                   const InterfaceDescription& service,
                                   Offer::Observer* observer) override;

  // Connects to the directory. If `reason` is not null, it is set to the reason
  // of a failure. Errors:
  //  - Unavailable: there is no directory now; the message has the cause.
  //  - Unauthenticated: the directory is not trusted.
  //  - Others: those of the transport.
  absl::StatusOr<std::unique_ptr<transports::Connection>> Connect(
      WaitReason* reason = nullptr);

 private:
  class DirectoryOpening;
  class DirectoryOffer;

  event::Process* const process_;
  transports::Transport* const transport_;
  const absl::optional<std::string> address_;
  const std::string service_;
  std::atomic<Place::Kind> kept_{Place::Kind::kNone};
  // For the directory's messages. All openings and offers share the pool, since
  // each of them needs a buffer only briefly.
  const transports::BufferPool::Ptr pool_;
};

}  // namespace directory
}  // namespace le

#endif  // LE_MESSAGING_DIRECTORY_CLIENT_H_
