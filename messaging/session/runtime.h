// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// The state of messaging for one process: the introducers, the protocols, and
// the names of the process's services. (An introducer is the interface to a
// directory.)

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
  // The parts of a runtime. A facade (the library that the program links) or a
  // test makes them. The introducers own their transport.
  struct Parts {
    std::shared_ptr<directory::Introducer> introducer;
    // Creates the introducer for the local services of this process. Called at
    // first use, because few processes have local services.
    std::function<std::shared_ptr<directory::Introducer>()>
        make_local_introducer;
  };

  // Returns the current process's runtime. If Install() has not created it, the
  // first call creates it from DefaultParts().
  static Runtime* Current();

  // Creates the runtime of `process` from `parts`. Must be called before the
  // process uses messaging for the first time.
  static void Install(event::Process* process, Parts parts);

  Runtime(event::Process* process, Parts parts);
  ~Runtime() override;

  directory::Introducer* introducer() { return parts_.introducer.get(); }
  // Any thread. Created at first use.
  directory::Introducer* local_introducer();

  // Any thread. The accounts of the clients of this process's services.
  const std::shared_ptr<ClientAccounts>& client_accounts() const {
    return client_accounts_;
  }

  // Any thread. Fails with AlreadyExists if the id was used with another size.
  absl::StatusOr<Protocol*> GetProtocol(absl::string_view id,
                                        size_t max_message_size);
  // Any thread. Returns a protocol for local services, which have no protocol
  // id.
  Protocol* GetLocalProtocol(size_t max_message_size);

  // Any thread. Returns false if a service of this process has that name
  // already.
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

// Returns the default parts of a process. The facade that the program links
// defines this function, for Unix sockets or for loopback.
Runtime::Parts DefaultParts(event::Process* process);

}  // namespace messaging
}  // namespace le

#endif  // LE_MESSAGING_MESSAGING_SESSION_RUNTIME_H_
