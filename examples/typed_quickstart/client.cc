// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// client FILE TIMES: ends after TIMES servers have served it.

#include <fcntl.h>

#include <cinttypes>
#include <cstdio>
#include <cstdlib>

#include "examples/typed_quickstart/file_facts.le.h"
#include "le/messaging.h"

using quickstart::CountRequest;
using quickstart::Facts;

static void SayFacts(const char* how, const Facts& facts) {
  printf("client: %s: %" PRIu64 " lines, %" PRIu64 " words, %" PRIu64
         " bytes, counted by pid %d\n",
         how, facts.lines(), facts.words(), facts.bytes(), facts.server_pid());
}

int main(int argc, char** argv) {
  if (argc != 3) return EXIT_FAILURE;
  setlinebuf(stdout);
  const auto open_file = [&] {
    return le::UniqueFd(open(argv[1], O_RDONLY | O_CLOEXEC));
  };
  const auto in_30_s = le::CallOptions().Timeout(absl::Seconds(30));
  int times_left = atoi(argv[2]);
  le::Loop loop;
  auto client = quickstart::FileFactsClient::Create("facts");
  if (!client.ok()) return EXIT_FAILURE;
  le::Stream news;

  const auto on_open = [&](const absl::Status& opened) {
    if (!opened.ok()) return loop.Stop();  // the service has another protocol
    puts("client: the session is open");
    quickstart::Greeting greeting;
    greeting.set_text("good morning");
    client->Greet(greeting).IgnoreError();
    news = client->WatchNews(
        {}, {},
        [](const quickstart::News& item) {
          printf("client: news from the server: %s\n", item.text().c_str());
        },
        nullptr);
    const auto facts = client->Count({}, open_file(), in_30_s);
    if (!facts.ok()) return;
    SayFacts("synchronously", *facts);
    client
        ->CountAsync({}, open_file(), in_30_s,
                     [&](absl::StatusOr<const Facts*> result) {
                       if (!result.ok()) return;  // the session will reopen
                       SayFacts("asynchronously", **result);
                       puts("client: served");
                       if (--times_left == 0) loop.Stop();
                     })
        .Detach();
  };
  const auto on_closed = [](le::CloseReason) {
    puts("client: the server has gone");
    puts("client: waiting for the service");
  };
  const bool ready = client->OnClosed(on_closed).ok() &&
                     client->ReopenAfterClose(on_open).ok() &&
                     client->OpenAsync(absl::InfiniteDuration(), on_open).ok();
  puts("client: waiting for the service");
  return ready && loop.Run().ok() && times_left == 0 ? EXIT_SUCCESS
                                                     : EXIT_FAILURE;
}
