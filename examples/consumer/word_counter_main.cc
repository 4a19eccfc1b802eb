// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// word_counter        serves
// word_counter TEXT   asks for the number of words
#include <cstdio>
#include <cstdlib>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "le/messaging.h"
#include "word_counter.h"

static absl::Status Serve() {
  le::Loop loop;
  consumer::WordCounter counter;
  const auto server = le::Serve("wordCounter", &counter);
  return server.ok() ? loop.Run() : server.status();
}

static absl::Status Ask(const char* text) {
  auto client =
      consumer::WordCounterClient::Open("wordCounter", absl::Seconds(30));
  if (!client.ok()) return client.status();
  consumer::Text request;
  request.set_text(text);
  const auto words =
      client->Count(request, le::CallOptions().Timeout(absl::Seconds(2)));
  if (words.ok()) printf("%u words\n", words->words());
  return words.status();
}

int main(int argc, char** argv) {
  const absl::Status status = argc == 1 ? Serve() : Ask(argv[1]);
  if (!status.ok()) fprintf(stderr, "%s\n", status.ToString().c_str());
  return status.ok() ? EXIT_SUCCESS : EXIT_FAILURE;
}
