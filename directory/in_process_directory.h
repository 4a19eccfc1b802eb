// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// A directory inside a process. It has no address, no control messages and no
// thread. Each call does its work on the calling thread. So an introduction is
// made by the call that completes its conditions, for example an opening, an
// offer or SetBindings(). Later the loop of the client and the loop of the
// server deliver it. A client may also fetch it by Opening::Poll().
//
// directoryd uses the same class Registry, so the rules are the same for
// bindings, waiting clients, servers that stand by, and protocols that differ.
// There is only one user.

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

// Thread-safe. Must outlive its openings and offers.
class InProcessDirectory {
 public:
  // Starts with the one binding "<*>.* -> <self>.*". <self> is the user of
  // `process`. Does not own `process`.
  explicit InProcessDirectory(event::Process* process);
  ~InProcessDirectory();

  // Replaces all bindings by those of `text`, a bindings file. On an error
  // nothing changes. The status lists the errors, each with its line and
  // column.
  absl::Status SetBindings(absl::string_view text);

  // Returns an introducer whose connections are made by `transport`. Does not
  // own `transport`.
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
  // There are no limits, since there is only one user.
  Accounts accounts_{Limits::None()};
  Registry registry_ ABSL_GUARDED_BY(mutex_){&accounts_};
  PeerId next_id_ ABSL_GUARDED_BY(mutex_) = 1;
  // The openings that are neither introduced nor refused yet.
  absl::flat_hash_map<PeerId, LocalOpening*> openings_ ABSL_GUARDED_BY(mutex_);
  absl::flat_hash_map<PeerId, LocalOffer*> offers_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace directory
}  // namespace le

#endif  // LE_MESSAGING_DIRECTORY_IN_PROCESS_DIRECTORY_H_
