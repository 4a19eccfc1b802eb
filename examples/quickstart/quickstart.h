// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef LE_MESSAGING_EXAMPLES_QUICKSTART_QUICKSTART_H_
#define LE_MESSAGING_EXAMPLES_QUICKSTART_QUICKSTART_H_

#include <memory>

#include "examples/quickstart/file_facts.le.h"

namespace quickstart {

std::unique_ptr<FileFactsService> NewFileFacts();

// Lets servers count the file. Returns after `times` servers, one after the
// other, have counted it, or after an error.
absl::Status RunClient(const char* file, int times);

}  // namespace quickstart

#endif  // LE_MESSAGING_EXAMPLES_QUICKSTART_QUICKSTART_H_
