// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// A loopback transport with faults: connections break, queues report that they
// are full, file descriptors run out.

#ifndef LE_MESSAGING_TESTS_SIMULATION_FAULTY_TRANSPORT_H_
#define LE_MESSAGING_TESTS_SIMULATION_FAULTY_TRANSPORT_H_

#include <cstdint>
#include <memory>
#include <string>

#include "tests/simulation/referee.h"
#include "transports/loopback/loopback.h"
#include "transports/transport.h"

namespace le {
namespace simulation {

// The faults that may occur now. If a field `..._one_in` is N, its fault occurs
// in an operation with the probability 1 / N. 0: never.
struct Weather {
  uint32_t break_one_in = 0;
  uint32_t no_descriptor_one_in = 0;
  size_t max_frames = SIZE_MAX;  // the limit of a queue
};

class FaultyTransport final : public transports::Transport {
 public:
  // Owns none of its arguments. The weather may change at any time.
  FaultyTransport(transports::LoopbackNetwork* network, event::Process* process,
                  const Weather* weather, Referee* referee,
                  Descriptors* descriptors)
      : inner_(network, process), context_{weather, referee, descriptors} {}

  // Shared by all connections.
  struct Context {
    const Weather* weather;
    Referee* referee;
    Descriptors* descriptors;
  };

  absl::StatusOr<std::unique_ptr<transports::Acceptor>> Listen(
      const std::string& address) override;
  absl::StatusOr<std::unique_ptr<transports::Connection>> Connect(
      const std::string& address) override;

  // See LoopbackTransport::CloseAll().
  void CloseAll() { inner_.CloseAll(); }

 private:
  transports::LoopbackTransport inner_;
  const Context context_;
};

}  // namespace simulation
}  // namespace le

#endif  // LE_MESSAGING_TESTS_SIMULATION_FAULTY_TRANSPORT_H_
