// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef LE_MESSAGING_TESTS_KERNEL_SHRINK_H_
#define LE_MESSAGING_TESTS_KERNEL_SHRINK_H_

#include <functional>

#include "tests/kernel/program.h"

namespace le {
namespace kernel_test {

// Makes the program simpler in small changes, and keeps each change with which
// `differs` is still true. A change removes steps or a descriptor, replaces an
// argument by a simpler value, gives the steps of the last process to another
// process, or gives a process the user of the first process.
Program Shrink(const Program& program,
               const std::function<bool(const Program&)>& differs);

}  // namespace kernel_test
}  // namespace le

#endif  // LE_MESSAGING_TESTS_KERNEL_SHRINK_H_
