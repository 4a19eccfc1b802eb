// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/benchmarks/ours_cpp.h"

#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <utility>

#include "le/messaging.h"
#include "tests/benchmarks/party.h"

namespace le {
namespace benchmarks {
namespace {

void BeServer(const std::string& name, size_t largest) {
  Loop loop;
  absl::StatusOr<Service> service =
      Service::Create(name, {"benchmark", largest});
  if (!service.ok()) _exit(2);
  const absl::Status listens = service->OnMessage([](Message message) {
    if (message.needs_response()) std::move(message).Respond().IgnoreError();
  });
  if (!listens.ok() || !service->Advertise().ok()) _exit(2);
  Say("ready");
  loop.Run().IgnoreError();
}

bool Ask(Client* client, size_t size) {
  Message request = client->NewMessage();
  std::memset(request.buffer().data(), 'e', size);
  const absl::StatusOr<Message> response = client->Request(std::move(request));
  if (!response.ok()) return false;
  const absl::Span<const uint8_t> payload = response->payload();
  return payload[0] == 'e' && payload[size - 1] == 'e';
}

void BeClient(const std::string& name, size_t largest) {
  absl::StatusOr<Client> client = Client::Open(name, {"benchmark", largest});
  if (!client.ok()) _exit(2);
  Say("ready");
  for (;;) {
    const Command command = NextCommand();
    if (!command.Is("sync")) _exit(2);
    Say(TimeEach(command, [&] { return Ask(&*client, command.size); }));
  }
}

}  // namespace

bool PlayOursInCpp(const std::vector<std::string>& words) {
  if (words.size() != 3) return false;
  const auto largest = static_cast<size_t>(std::atol(words[2].c_str()));
  if (words[0] == "cpp_server") BeServer(words[1], largest);
  if (words[0] == "cpp_client") BeClient(words[1], largest);
  return false;
}

}  // namespace benchmarks
}  // namespace le
