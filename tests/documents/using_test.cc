// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// Runs the C++ blocks of docs/using.md. Each .inc file is one block.

#include <cstdio>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "le/messaging.h"
#include "le/testing/local.h"
#include "shout/shout.le.h"

namespace {

class Shouter final : public shout::ShoutService {
  void Upper(const shout::Text& request,
             le::Reply<shout::Text> reply) override {
    reply->set_text(absl::AsciiStrToUpper(request.text()));
    std::move(reply).Send();
  }
#include "tests/documents/letters_server.inc"
};

absl::Status PrintLetters(shout::ShoutClient* client,
                          const shout::Text& request) {
  le::Loop loop;
#include "tests/documents/letters_client.inc"
}

#include "tests/documents/shout_test.inc"

TEST(LettersTest, ArePrintedInOrder) {
  Shouter shouter;
  le::testing::Local<shout::ShoutClient> local(&shouter);
  shout::Text request;
  request.set_text("hello");
  ::testing::internal::CaptureStdout();
  const absl::Status end = PrintLetters(&local.client(), request);
  EXPECT_EQ(::testing::internal::GetCapturedStdout(), "h\ne\nl\nl\no\n");
  EXPECT_TRUE(end.ok()) << end;
}

}  // namespace
