// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// A program that inspects servers, as sdir does. An honest server answers each
// request once, unless the inspection is refused, or the server ends or is late.

#ifndef LE_MESSAGING_TESTS_SIMULATION_ADMINISTRATOR_H_
#define LE_MESSAGING_TESTS_SIMULATION_ADMINISTRATOR_H_

#include <sys/types.h>

#include <string>
#include <utility>
#include <vector>

#include "directory/proto/inspection.pb.h"
#include "tests/simulation/world.h"
#include "transports/transport.h"

namespace le {
namespace simulation {

class Administrator {
 public:
  // `directory`: its address. `services`: users and names.
  Administrator(World* world, transports::Transport* transport,
                std::string directory,
                std::vector<std::pair<uid_t, std::string>> services)
      : world_(world),
        transport_(transport),
        directory_(std::move(directory)),
        services_(std::move(services)) {}
  // Inspects as many servers as a client has operations.
  void Run();

 private:
  void Inspect(uid_t uid, const std::string& name);
  // False: there is no further answer.
  bool AwaitSnapshot(transports::Connection* connection, bool is_honest);
  void Check(const inspection::proto::Snapshot& part);
  void Count(const char* what) { world_->referee()->Count(what); }

  World* const world_;
  transports::Transport* const transport_;
  const std::string directory_;
  const std::vector<std::pair<uid_t, std::string>> services_;
  uint64_t last_number_ = 0;  // of the last session in the present snapshot
};

}  // namespace simulation
}  // namespace le

#endif  // LE_MESSAGING_TESTS_SIMULATION_ADMINISTRATOR_H_
