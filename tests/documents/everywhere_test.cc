// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// Runs the block of docs/using.md that uses the test kit.

#include <utility>

#include "absl/strings/ascii.h"
#include "gtest/gtest.h"
#include "messaging/testing/scenario.h"
#include "shout/shout.le.h"

namespace {

class Shouter final : public shout::ShoutService {
  void Upper(const shout::Text& request,
             le::Reply<shout::Text> reply) override {
    reply->set_text(absl::AsciiStrToUpper(request.text()));
    std::move(reply).Send();
  }
};

#include "tests/documents/shout_everywhere_test.inc"

}  // namespace
