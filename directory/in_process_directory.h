// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// A directory that is part of the process: no address, no control messages, no
// thread. Introductions are made by whichever thread asks, or offers, and
// delivered on the loops of both.
//
// The rules are those of the directory in a process of its own, by the same
// registry: bindings, clients that wait, stand-bys, protocols that must agree.
// All users are one.

#ifndef LE_MESSAGING_DIRECTORY_IN_PROCESS_DIRECTORY_H_
#define LE_MESSAGING_DIRECTORY_IN_PROCESS_DIRECTORY_H_

#include <memory>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "directory/introducer.h"
#include "directory/registry.h"
#include "event/base/mutex.h"
#include "event/process.h"
#include "transports/transport.h"

namespace le {
namespace directory {

// Thread-safe. Outlives its openings and offers.
class InProcessDirectory {
 public:
  // Starts with the one binding "<*>.* -> <self>.*". Not owned: `process`, whose
  // user is <self>.
  explicit InProcessDirectory(event::Process* process);
  ~InProcessDirectory();

  // As a bindings file. On an error nothing changes; the status has all of them,
  // each with line and column.
  absl::Status SetBindings(absl::string_view text);

  // The view of those whose connections `transport` makes, which is not owned.
  std::unique_ptr<Introducer> IntroducerFor(
      transports::LocalTransport* transport);

 private:
  class View;
  class LocalOpening;
  class LocalOffer;

  PeerIdentity self() const;
  void OpenLocked(LocalOpening* opening) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void OfferLocked(LocalOffer* offer) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void CarryOutLocked(Registry::Actions actions)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  event::Process* const process_;
  event::Mutex mutex_;
  // The one user there is, is the process itself: nobody to protect from another.
  Accounts accounts_{Limits::None()};
  Registry registry_ ABSL_GUARDED_BY(mutex_){&accounts_};
  PeerId next_id_ ABSL_GUARDED_BY(mutex_) = 1;
  absl::flat_hash_map<PeerId, LocalOpening*> openings_  // that wait
      ABSL_GUARDED_BY(mutex_);
  absl::flat_hash_map<PeerId, LocalOffer*> offers_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace directory
}  // namespace le

#endif  // LE_MESSAGING_DIRECTORY_IN_PROCESS_DIRECTORY_H_
