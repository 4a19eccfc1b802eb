// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include <fcntl.h>

#include <cinttypes>

#include "examples/quickstart/quickstart.h"
#include "le/messaging.h"

namespace quickstart {

static void SayFacts(const char* how, const Facts& facts) {
  printf("client: %s: %" PRIu64 " lines, %" PRIu64 " words, %" PRIu64
         " bytes, counted by pid %d\n",
         how, facts.lines(), facts.words(), facts.bytes(), facts.server_pid());
}

absl::Status RunClient(const char* file, int times) {
  const auto in_30_s = le::CallOptions().Timeout(absl::Seconds(30));
  le::Loop loop;
  absl::StatusOr<FileFactsClient> client = FileFactsClient::Create("facts");
  if (!client.ok()) return client.status();
  le::Stream news;  // its destructor cancels the stream
  le::Call count;   // its destructor cancels the call
  absl::Status result;

  const auto end = [&](const absl::Status& status) {
    if (absl::IsUnavailable(status)) return;  // the session will reopen
    result = status;
    loop.Stop();
  };
  const auto open_file = [&] {
    return le::UniqueFd(open(file, O_RDONLY | O_CLOEXEC));
  };
  const auto on_facts = [&](absl::StatusOr<const Facts*> facts) {
    if (!facts.ok()) return end(facts.status());
    SayFacts("asynchronously", **facts);
    puts("client: served");
    if (--times == 0) end(absl::OkStatus());
  };
  const auto on_open = [&](const absl::Status& opened) {
    if (!opened.ok()) return end(opened);  // the service has another protocol
    puts("client: the session is open");
    Text greeting;
    greeting.set_text("good morning");
    client->Greet(greeting).IgnoreError();  // has no response
    news = client->WatchNews(
        {}, {},
        [](const Text& item) {
          printf("client: news from the server: %s\n", item.text().c_str());
        },
        nullptr);
    const absl::StatusOr<Facts> facts = client->Count({}, open_file(), in_30_s);
    if (!facts.ok()) return end(facts.status());
    SayFacts("synchronously", *facts);
    count = client->CountAsync({}, open_file(), in_30_s, on_facts);
    if (!count.status().ok()) end(count.status());  // on_facts is not called
  };
  const auto on_closed = [](le::CloseReason) {
    puts("client: the session has closed\nclient: waiting for the service");
  };
  puts("client: waiting for the service");
  result.Update(client->OnClosed(on_closed));
  result.Update(client->KeepOpen(on_open));
  if (result.ok()) result.Update(loop.Run());
  return result;
}

}  // namespace quickstart
