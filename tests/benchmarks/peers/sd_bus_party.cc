// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

// sd_bus_party server|client: sd-bus from peer to peer, without a bus, over a
// stream socket. Its file descriptor is kLink (party.h).

#include <systemd/sd-bus.h>
#include <unistd.h>

#include <cstring>
#include <string>

#include "tests/benchmarks/party.h"

namespace le {
namespace benchmarks {
namespace {

char g_buffer[1 << 17];
sd_bus* g_bus = nullptr;

// sd-bus does not bound its queue, so this program does.
constexpr uint64_t kMayBeQueued = 256;

// Sends a message that wants no reply.
bool Post(sd_bus_message* message) {
  uint64_t queued = 0;
  return sd_bus_send(g_bus, message, nullptr) >= 0 &&
         sd_bus_get_n_queued_write(g_bus, &queued) >= 0 &&
         (queued < kMayBeQueued || sd_bus_flush(g_bus) >= 0);
}

// Items are signals.
int PushItems(sd_bus_message* call) {
  uint64_t count = 0;
  uint32_t size = 0;
  if (sd_bus_message_read(call, "tu", &count, &size) < 0) _exit(1);
  for (; count > 0; --count) {
    std::memset(g_buffer, kEcho, size);
    sd_bus_message* item = nullptr;
    if (sd_bus_message_new_signal(g_bus, &item, "/echo", "le.benchmarks.Echo",
                                  "Item") < 0 ||
        sd_bus_message_append_array(item, 'y', g_buffer, size) < 0 ||
        !Post(item)) {
      _exit(1);
    }
    sd_bus_message_unref(item);
  }
  if (sd_bus_reply_method_return(call, "") < 0) _exit(1);
  return 1;
}

int OnCall(sd_bus_message* call, void*, sd_bus_error*) {
  if (sd_bus_message_is_method_call(call, nullptr, "Items") > 0) {
    return PushItems(call);
  }
  const void* data = nullptr;
  size_t size = 0;
  if (sd_bus_message_read_array(call, 'y', &data, &size) < 0) _exit(1);
  if (sd_bus_message_get_expect_reply(call) <= 0) return 1;
  sd_bus_message* reply = nullptr;
  if (sd_bus_message_new_method_return(call, &reply) < 0 ||
      sd_bus_message_append_array(reply, 'y', data, size) < 0 ||
      sd_bus_send(nullptr, reply, nullptr) < 0) {
    _exit(1);
  }
  sd_bus_message_unref(reply);
  return 1;
}

sd_bus_message* NewCall(size_t size) {
  std::memset(g_buffer, kEcho, size);
  sd_bus_message* call = nullptr;
  if (sd_bus_message_new_method_call(g_bus, &call, nullptr, "/echo",
                                     "le.benchmarks.Echo", "Echo") < 0 ||
      sd_bus_message_append_array(call, 'y', g_buffer, size) < 0) {
    _exit(1);
  }
  return call;
}

bool HasSize(sd_bus_message* reply, size_t size) {
  const void* data = nullptr;
  size_t received = 0;
  return sd_bus_message_read_array(reply, 'y', &data, &received) >= 0 &&
         received == size;
}

bool EchoOne(size_t size) {
  sd_bus_message* const call = NewCall(size);
  sd_bus_message* reply = nullptr;
  const bool good =
      sd_bus_call(g_bus, call, 0, nullptr, &reply) >= 0 && HasSize(reply, size);
  sd_bus_message_unref(call);
  sd_bus_message_unref(reply);
  return good;
}

bool SendMany(int64_t messages, size_t size) {
  for (; messages > 1; --messages) {
    sd_bus_message* const call = NewCall(size);
    const bool good =
        sd_bus_message_set_expect_reply(call, 0) >= 0 && Post(call);
    sd_bus_message_unref(call);
    if (!good) return false;
  }
  return EchoOne(size);
}

std::string OneWay(const Command& command) {
  Stopwatch watch(command, 0);
  if (!SendMany(command.warm_up(), command.size)) return "failed";
  watch.Start();
  if (!SendMany(command.operations, command.size)) return "failed";
  watch.Stop();
  return watch.Report();
}

int64_t g_done = 0;

std::string Pipelined(const Command& command) {
  Stopwatch watch(command, 0);
  const int64_t all = command.warm_up() + command.operations;
  int64_t sent = 0;
  bool started = false;
  for (g_done = 0; g_done < all;) {
    if (!started && g_done >= command.warm_up()) {
      started = true;
      watch.Start();
    }
    for (; sent < all && sent - g_done < kOutstanding; ++sent) {
      sd_bus_message* const call = NewCall(command.size);
      sd_bus_call_async(
          g_bus, nullptr, call,
          [](sd_bus_message*, void*, sd_bus_error*) {
            ++g_done;
            return 1;
          },
          nullptr, 0);
      sd_bus_message_unref(call);
    }
    const int processed = sd_bus_process(g_bus, nullptr);
    if (processed < 0) return "failed";
    if (processed == 0) sd_bus_wait(g_bus, UINT64_MAX);
  }
  watch.Stop();
  return watch.Report();
}

int64_t g_items = 0;
size_t g_item_size = 0;

int OnItem(sd_bus_message* item, void*, sd_bus_error*) {
  g_items += HasSize(item, g_item_size) ? 1 : 0;
  return 1;
}

bool ReadItems(int64_t count, size_t size) {
  g_items = 0;
  g_item_size = size;
  bool ended = false;
  if (sd_bus_call_method_async(
          g_bus, nullptr, nullptr, "/echo", "le.benchmarks.Echo", "Items",
          [](sd_bus_message*, void* ended, sd_bus_error*) {
            *static_cast<bool*>(ended) = true;
            return 1;
          },
          &ended, "tu", static_cast<uint64_t>(count),
          static_cast<uint32_t>(size)) < 0) {
    return false;
  }
  while (!ended) {
    const int processed = sd_bus_process(g_bus, nullptr);
    if (processed < 0) return false;
    if (processed == 0) sd_bus_wait(g_bus, UINT64_MAX);
  }
  return g_items == count;
}

std::string Stream(const Command& command) {
  Stopwatch watch(command, 0);
  if (!ReadItems(command.warm_up(), command.size)) return "failed";
  watch.Start();
  if (!ReadItems(command.operations, command.size)) return "failed";
  watch.Stop();
  return watch.Report();
}

int Main(const std::string& role) {
  if (sd_bus_new(&g_bus) < 0 || sd_bus_set_fd(g_bus, kLink, kLink) < 0 ||
      sd_bus_set_anonymous(g_bus, 1) < 0 || sd_bus_set_trusted(g_bus, 1) < 0) {
    return 1;
  }
  if (role == "server") {
    sd_id128_t id;
    if (sd_id128_randomize(&id) < 0 || sd_bus_set_server(g_bus, 1, id) < 0 ||
        sd_bus_add_object(g_bus, nullptr, "/echo", &OnCall, nullptr) < 0 ||
        sd_bus_start(g_bus) < 0) {
      return 1;
    }
    Say("ready");
    for (;;) {
      const int processed = sd_bus_process(g_bus, nullptr);
      if (processed < 0) return 1;
      if (processed == 0) sd_bus_wait(g_bus, UINT64_MAX);
    }
  }
  if (sd_bus_match_signal(g_bus, nullptr, nullptr, "/echo",
                          "le.benchmarks.Echo", "Item", &OnItem, nullptr) < 0 ||
      sd_bus_start(g_bus) < 0 || !EchoOne(1)) {
    return 1;
  }
  Say("ready");
  for (;;) {
    const Command command = NextCommand();
    if (command.Is("sync")) {
      Say(TimeEach(command, [&] { return EchoOne(command.size); }));
    } else if (command.Is("pipelined")) {
      Say(Pipelined(command));
    } else if (command.Is("one_way")) {
      Say(OneWay(command));
    } else if (command.Is("stream")) {
      Say(Stream(command));
    } else {
      return 2;
    }
  }
}

}  // namespace
}  // namespace benchmarks
}  // namespace le

int main(int argc, char** argv) {
  if (argc < 2) return 2;
  le::benchmarks::BeParty();
  le::benchmarks::KeepFreedMemory();
  return le::benchmarks::Main(argv[1]);
}
