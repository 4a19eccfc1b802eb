// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef LE_MESSAGING_TESTS_KERNEL_GENERATOR_H_
#define LE_MESSAGING_TESTS_KERNEL_GENERATOR_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <initializer_list>
#include <vector>

#include "tests/kernel/program.h"
#include "tests/kernel/world.h"

namespace le {
namespace kernel_test {

// Makes random programs. It chooses each step by the state of the world, so
// that most steps succeed. Each seed draws its own weights for the steps, so
// that some programs do much of one thing.
class Generator {
 public:
  explicit Generator(uint64_t seed);

  std::vector<int> Uids();
  // False: the program ends here.
  bool Next(const World& world, Step* step);

 private:
  uint64_t Random();
  int Below(int bound);
  bool OneIn(int n) { return Below(n) == 0; }
  template <typename T>
  T OneOf(std::initializer_list<T> choices) {
    return choices.begin()[Below(static_cast<int>(choices.size()))];
  }

  // A step that goes on with what was begun, or a new one.
  bool Propose(const World& world, Step* step);
  void Plan(const World& world, int process);
  void PlanEnd(const World& world);
  // The process's variables that stand for a descriptor.
  std::vector<int> Variables(const World& world, int process) const;
  // Chooses a descriptor of that kind if there is one; sometimes another.
  int Pick(const World& world, int process, Kind kind);
  // Chooses one that can be read or written.
  int PickStream(const World& world, int process);
  int PickAny(const World& world, int process);
  int NewVariable() { return next_variable_++; }
  Step Make(int process, Op op, int fd = -1,
            std::initializer_list<int64_t> args = {});
  int64_t Size();
  int64_t SendFlags();
  int64_t ReceiveFlags();
  int64_t ControlSize();
  int64_t EpollEvents();
  // Makes what the operation needs and the process does not have.
  void PlanMissing(const World& world, int process, Op op);
  void PlanOne(const World& world, int process, Op op);
  void AddPlanned(const World& world, Step step);
  void PlanFill(const World& world, int process);
  void PlanMeeting(const World& world);
  void PlanWake(const World& world);
  void PlanPass(const World& world, int process);

  uint64_t state_;
  int left_;
  bool ending_ = false;
  int next_variable_ = 0;
  int blocking_;  // in ten of those that may
  int weights_[kOpCount];
  int total_ = 0;
  int process_count_ = 0;
  std::deque<Step> planned_;
};

}  // namespace kernel_test
}  // namespace le

#endif  // LE_MESSAGING_TESTS_KERNEL_GENERATOR_H_
