// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// Fuzzes the parser of bindings files. If a text is parsed without an error,
// its bindings are printed, and the printed text is parsed. The second parse
// must have no error, and its bindings must equal those of the first parse.

#include "directory/bindings.h"
#include "directory/testing/numbered_users.h"
#include "tests/fuzz/input.h"

namespace le {
namespace {

using fuzz::Require;

void Fuzz(const std::string& text) {
  directory::NumberedUsers users;
  directory::UserContext context;
  context.users = &users;
  context.self = 500;
  const directory::ParsedBindings parsed =
      directory::ParseBindings({{"file", text}}, context);
  for (const directory::Diagnostic& error : parsed.errors) {
    Require(error.line > 0 && error.column > 0,
            "an error has a line and a column");
  }
  Require(parsed.errors.size() <= directory::kMaxDiagnostics + 1,
          "errors are bounded");
  if (!parsed.errors.empty()) return;
  std::string printed;
  for (const directory::Binding& binding : parsed.bindings) {
    printed += directory::Format(binding, &users) + "\n";
  }
  const directory::ParsedBindings again =
      directory::ParseBindings({{"file", printed}}, context);
  Require(again.errors.empty(), "printed bindings can be parsed");
  Require(again.bindings == parsed.bindings, "printed bindings mean the same");
}

}  // namespace
}  // namespace le

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  le::Fuzz(std::string(reinterpret_cast<const char*>(data), size));
  return 0;
}
