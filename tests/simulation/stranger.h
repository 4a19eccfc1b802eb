// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// A program that does not use the library: it speaks to the directory, and to the
// servers that it is introduced to, by plain system calls. It begins what the
// protocols allow and stops anywhere, or breaks them.

#ifndef LE_MESSAGING_TESTS_SIMULATION_STRANGER_H_
#define LE_MESSAGING_TESTS_SIMULATION_STRANGER_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "tests/simulation/world.h"

namespace le {
namespace simulation {

class Stranger {
 public:
  // `directory`: the path of its socket.
  Stranger(World* world, std::string directory);
  // Acts as often as a client does, then holds its connections for ever.
  void Run();

 private:
  void Connect();
  void Act(int fd);
  void SendOpen(int fd);
  void SendAdvertise(int fd);
  // A frame whose header says `length`, with `bytes` of it.
  void SendFrame(int fd, uint8_t type, uint16_t flags, size_t length,
                 const std::string& bytes);
  void SendBytes(int fd, const std::string& bytes);
  std::string AnyBytes(size_t limit);

  World* const world_;
  const std::string directory_;
  std::vector<int> sockets_;
};

}  // namespace simulation
}  // namespace le

#endif  // LE_MESSAGING_TESTS_SIMULATION_STRANGER_H_
