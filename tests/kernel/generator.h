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

// Makes random programs. Chooses each step by the state of the world, so that
// most steps succeed. The seed determines the weights of the operations, so
// that some programs repeat few operations often.
class Generator {
 public:
  explicit Generator(uint64_t seed);

  std::vector<int> Uids();
  // Sets the next step. Returns false at the end of the program.
  bool Next(const World& world, Step* step);

 private:
  uint64_t Random();
  int Below(int bound);
  bool OneIn(int n) { return Below(n) == 0; }
  template <typename T>
  T OneOf(std::initializer_list<T> choices) {
    return choices.begin()[Below(static_cast<int>(choices.size()))];
  }

  // Takes the next planned step. Plans new steps if there is none.
  bool Propose(const World& world, Step* step);
  void Plan(const World& world, int process);
  void PlanEnd(const World& world);
  // The variables that have a file descriptor of the process.
  std::vector<int> Variables(const World& world, int process) const;
  // Usually chooses a file descriptor of this kind, if there is one.
  int Pick(const World& world, int process, Kind kind);
  // Chooses a file descriptor that can be read or written.
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
  // Plans steps that create the files that the operation needs and the process
  // does not have.
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
  int blocking_;  // the number of calls out of ten that may block
  int weights_[kOpCount];
  int total_ = 0;
  int process_count_ = 0;
  std::deque<Step> planned_;
};

}  // namespace kernel_test
}  // namespace le

#endif  // LE_MESSAGING_TESTS_KERNEL_GENERATOR_H_
