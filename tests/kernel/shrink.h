// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef LE_MESSAGING_TESTS_KERNEL_SHRINK_H_
#define LE_MESSAGING_TESTS_KERNEL_SHRINK_H_

#include <functional>

#include "tests/kernel/program.h"

namespace le {
namespace kernel_test {

// Returns a smaller program for which `differs` is still true, without the
// steps, descriptors and arguments that do not matter.
Program Shrink(const Program& program,
               const std::function<bool(const Program&)>& differs);

}  // namespace kernel_test
}  // namespace le

#endif  // LE_MESSAGING_TESTS_KERNEL_SHRINK_H_
