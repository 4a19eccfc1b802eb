// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// A program that inspects and taps servers, as sdir does. An honest server
// answers each request at most once. There may be no answer in time: the
// inspection is refused, or the server ends or is late.

#ifndef LE_MESSAGING_TESTS_SIMULATION_ADMINISTRATOR_H_
#define LE_MESSAGING_TESTS_SIMULATION_ADMINISTRATOR_H_

#include <sys/types.h>

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "directory/proto/inspection.pb.h"
#include "directory/tap_ring.h"
#include "tests/simulation/referee.h"
#include "tests/simulation/world.h"
#include "transports/transport.h"

namespace le {
namespace simulation {

class Administrator {
 public:
  // `directory`: the address of the directory. `services`: users and names.
  // `descriptors` registers the rings of taps. On the simulated kernel, which
  // has no memfd, `descriptors` is null and there are no taps.
  Administrator(World* world, transports::Transport* transport,
                std::string directory,
                std::vector<std::pair<uid_t, std::string>> services,
                Descriptors* descriptors)
      : world_(world),
        transport_(transport),
        directory_(std::move(directory)),
        services_(std::move(services)),
        descriptors_(descriptors) {}
  // Makes `Plan::operations` inspections.
  void Run();

 private:
  void Inspect(uid_t uid, const std::string& name);
  // Waits for all parts of a snapshot, and checks them. False: the server has
  // refused it, a part is missing, or the server is not honest.
  bool AwaitSnapshot(transports::Connection* connection, bool is_honest);
  void Check(const inspection::proto::Snapshot& part);
  void Tap(transports::Connection* connection, bool is_honest);
  void CheckTapped(const inspection::TapRecord& record,
                   const std::string& payload);
  void Count(const char* what) { world_->referee()->Count(what); }

  World* const world_;
  transports::Transport* const transport_;
  const std::string directory_;
  const std::vector<std::pair<uid_t, std::string>> services_;
  Descriptors* const descriptors_;
  uint64_t last_number_ = 0;  // of the last session in the present snapshot
  // The messages that a client's main thread has sent on a session, in the
  // present tap.
  struct Tapped {
    uint64_t last_sequence = 0;
    uint64_t messages = 0;
    bool is_whole = false;  // the tap began before the session
  };
  std::map<uint32_t, Tapped> tapped_;  // by the number of the session
  uint64_t lost_ = 0;                  // messages of the present tap
};

}  // namespace simulation
}  // namespace le

#endif  // LE_MESSAGING_TESTS_SIMULATION_ADMINISTRATOR_H_
