// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// The state of messaging per process: the introducers, the protocols, and the
// names of the services that the process offers.

#ifndef LE_MESSAGING_MESSAGING_SESSION_RUNTIME_H_
#define LE_MESSAGING_MESSAGING_SESSION_RUNTIME_H_

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "directory/introducer.h"
#include "event/base/mutex.h"
#include "event/process.h"
#include "messaging/message/protocol.h"
#include "messaging/session/client_accounts.h"

namespace le {
namespace messaging {

class Runtime final : public event::ModuleState {
 public:
  // The parts of a runtime, from a facade or a test. The introducers own their
  // transport.
  struct Parts {
    std::shared_ptr<directory::Introducer> introducer;
    // Creates the introducer for the local services of this process. Called at
    // first use, because few processes have local services.
    std::function<std::shared_ptr<directory::Introducer>()>
        make_local_introducer;
  };

  // The current process's runtime. The first call creates it, from the parts of
  // Install() for that process or from the facade's defaults.
  static Runtime* Current();

  // Sets the parts of `process`. Must be called before its first use of
  // messaging.
  static void Install(event::Process* process, Parts parts);

  Runtime(event::Process* process, Parts parts);
  ~Runtime() override;

  directory::Introducer* introducer() { return parts_.introducer.get(); }
  // Any thread. Created at first use.
  directory::Introducer* local_introducer();

  // Any thread. The accounts of its services' clients.
  const std::shared_ptr<ClientAccounts>& client_accounts() const {
    return client_accounts_;
  }

  // Any thread. AlreadyExists: the id was used with another size.
  absl::StatusOr<Protocol*> GetProtocol(absl::string_view id,
                                        size_t max_message_size);
  // Any thread. A protocol for local services, whose users state no id.
  Protocol* GetLocalProtocol(size_t max_message_size);

  // Any thread. False: a service of this process has that name already.
  bool TakeServiceName(const std::string& name);
  void ReleaseServiceName(const std::string& name);

 private:
  const Parts parts_;
  const std::shared_ptr<ClientAccounts> client_accounts_;
  event::Mutex mutex_;
  std::shared_ptr<directory::Introducer> local_introducer_
      ABSL_GUARDED_BY(mutex_);
  std::map<std::string, std::unique_ptr<Protocol>, std::less<>> protocols_
      ABSL_GUARDED_BY(mutex_);
  std::map<size_t, std::unique_ptr<Protocol>> local_protocols_
      ABSL_GUARDED_BY(mutex_);
  std::set<std::string> service_names_ ABSL_GUARDED_BY(mutex_);
};

// The default parts of a process. Defined by the facade that the program links:
// Unix sockets or loopback.
Runtime::Parts DefaultParts(event::Process* process);

}  // namespace messaging
}  // namespace le

#endif  // LE_MESSAGING_MESSAGING_SESSION_RUNTIME_H_
