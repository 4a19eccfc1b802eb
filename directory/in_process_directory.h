// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// A directory that is part of the process, for loopback: no address, no control
// messages, no thread. Introductions are made by whichever thread asks, or
// offers, and delivered on the loops of both.
//
// It follows the same rules as the directory of its own process: bindings,
// clients that wait, stand-bys, protocols that must agree. All users are one.

#ifndef LE_MESSAGING_DIRECTORY_IN_PROCESS_DIRECTORY_H_
#define LE_MESSAGING_DIRECTORY_IN_PROCESS_DIRECTORY_H_

#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "directory/introducer.h"
#include "transports/loopback/loopback.h"

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

  // The view of one process, or of several, whose connections `transport` makes.
  // Neither is owned.
  std::unique_ptr<Introducer> IntroducerFor(
      transports::LoopbackTransport* transport);

 private:
  class View;
  class LocalOpening;
  class LocalOffer;

  // All under mutex_.
  // The service that a client interface is bound to, or null.
  const std::string* Resolve(const std::string& client_interface,
                             std::string* storage) const;
  void Consider(LocalOpening* opening);
  void ConsiderWaiting();
  LocalOffer* Offering(const std::string& service);

  event::Process* const process_;
  std::mutex mutex_;
  std::map<std::string, std::string> bindings_;           // by client interface
  bool same_name_ = true;                                 // "*" to "*"
  std::list<LocalOpening*> waiting_;                      // in order of arrival
  std::map<std::string, std::list<LocalOffer*>> offers_;  // first: offers
};

}  // namespace directory
}  // namespace le

#endif  // LE_MESSAGING_DIRECTORY_IN_PROCESS_DIRECTORY_H_
