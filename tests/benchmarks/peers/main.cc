// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

// Measures le_messaging and each peer, each next to bare sockets in the same
// rounds. Then compares typed services with the C API and with the peers that
// have typed calls, all in the same rounds.

#include <sys/socket.h>
#include <unistd.h>

#include <cstdio>
#include <memory>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "tests/benchmarks/child.h"
#include "tests/benchmarks/figures.h"
#include "tests/benchmarks/stage.h"

namespace le {
namespace benchmarks {
namespace {

struct Work {
  const char* title;
  const char* kind;
  size_t size;
  int64_t operations;
  bool is_rate;  // false: the result is a time
};
constexpr Work kWorks[] = {
    {"sync 64 B, us", "sync", 64, 400, false},
    {"sync 64 KiB, us", "sync", 65536, 200, false},
    // This number of operations is enough to reach the steady state.
    {"pipelined 64 B, /s", "pipelined", 64, 6000, true},
    {"one-way 64 B, /s", "one_way", 64, 4000, true},
    {"one-way 1 KiB, /s", "one_way", 1024, 4000, true},
};

// Work of typed services. All parties do it in the same rounds.
struct TypedWork {
  const char* title;
  const char* unit;
  size_t size;
  int64_t operations;
  bool is_rate;
  const char* kind;        // for the peers
  const char* typed_kind;  // for the typed client
  const char* c_role;      // the client in C
  const char* c_kind;
  Goal against_grpc;
};
const TypedWork kTypedWorks[] = {
    {"call, 64 B", "us", 64, 400, false, "sync", "sync", "client", "sync",
     AtLeast(5)},
    {"call, 64 KiB", "us", 65536, 200, false, "sync", "sync_large", "client",
     "sync", Goal()},
    {"calls, 64 outstanding, 64 B", "/s", 64, 6000, true, "pipelined",
     "pipelined", "looper", "pipelined", AtLeast(5)},
    // C has no streams.
    {"items of a stream, 64 B", "/s", 64, 6000, true, "stream", "stream",
     "looper", "one_way", AtLeast(20)},
};

enum class Meeting { kLink, kAddress };

struct Peer {
  const char* title;
  const char* program;
  Meeting meeting;
  bool is_typed;
};
constexpr Peer kPeers[] = {
    {"nng (PAIR)", "nng_party", Meeting::kAddress, false},
    {"ZeroMQ (DEALER, ROUTER)", "zmq_party", Meeting::kAddress, false},
    {"sd-bus, peer to peer", "sd_bus_party", Meeting::kLink, true},
    {"Cap'n Proto", "capnp_party", Meeting::kLink, true},
    {"gRPC", "grpc_party", Meeting::kAddress, true},
};

struct Parties {
  Child* client = nullptr;
  Child* server = nullptr;
};

// The results of all parties for one kind of work.
struct Column {
  std::vector<std::string> cells;  // of raw, ours, the peers
};

class Contest {
 public:
  explicit Contest(int rounds) : rounds_(rounds), cpu_(UsableCpus()[0]) {}

  Column Measure(const Work& work) {
    Column column;
    // Each peer has its own Stage, with raw in the same rounds. So a peer that
    // fails does not stop the others.
    for (int who = -1; who < static_cast<int>(std::size(kPeers)); ++who) {
      Stage stage(rounds_);
      const Directory* const directory = stage.StartDirectory(
          absl::StrCat("<", getuid(), ">.* -> <self>.*\n"), cpu_);
      const Parties raw = Start(&stage, "unix_party", Meeting::kLink,
                                SOCK_SEQPACKET, {"raw_server"}, {"raw_client"});
      const Parties other =
          who < 0 ? StartOurs(&stage, directory,
                              work.is_rate ? "looper" : "client", work.size)
                  : StartPeer(&stage, directory, kPeers[who]);
      std::vector<Series> series;
      if (stage.ok()) {
        series = stage.Compare(
            {Of(raw, work, work.kind), Of(other, work, work.kind)});
      }
      if (!stage.ok()) {
        std::fprintf(stderr, "%s, %s: %s\n",
                     who < 0 ? "le_messaging" : kPeers[who].title, work.title,
                     stage.error().c_str());
        series.resize(2);
      }
      if (who < 0) column.cells.push_back(Cell(work, series[0], series[0]));
      column.cells.push_back(Cell(work, series[0], series[1]));
    }
    return column;
  }

  // A row for each party that typed services are compared with.
  std::vector<Row> MeasureTyped(const TypedWork& work) {
    Stage stage(rounds_);
    const Directory* const directory = stage.StartDirectory(
        absl::StrCat("<", getuid(), ">.* -> <self>.*\n"), cpu_);
    std::vector<Row> rows;
    std::vector<Variant> variants = {
        Of(StartTyped(&stage, directory), work, work.typed_kind)};
    auto add = [&](const char* title, const Variant& variant, Goal goal) {
      Row row;
      row.name = row.what = absl::StrCat(work.title, "; ", title);
      row.unit = work.unit;
      row.goal = goal;
      rows.push_back(row);
      variants.push_back(variant);
    };
    add("C",
        Of(StartOurs(&stage, directory, work.c_role, work.size), work,
           work.c_kind),
        Goal());
    for (const Peer& peer : kPeers) {
      if (!peer.is_typed) continue;
      const bool is_grpc = absl::string_view(peer.title) == "gRPC";
      add(peer.title, Of(StartPeer(&stage, directory, peer), work, work.kind),
          is_grpc ? work.against_grpc : Goal());
    }
    std::vector<Series> series(variants.size());
    if (stage.ok()) series = stage.Compare(variants);
    if (!stage.ok()) std::fprintf(stderr, "%s\n", stage.error().c_str());
    auto figure = [&work](const Series& one) {
      const double ns = Median(one.ns);
      return work.is_rate ? 1e9 / ns : ns / 1e3;
    };
    for (size_t i = 0; i < rows.size(); ++i) {
      const Series& typed = series[0];
      const Series& other = series[i + 1];
      rows[i].floor = figure(other);
      rows[i].ours = figure(typed);
      SetValue(&rows[i], Ratios(other.ns, typed.ns));
      rows[i].floor_cpu = Median(other.cpu_ns) / 1e3;
      rows[i].ours_cpu = Median(typed.cpu_ns) / 1e3;
      rows[i].cpu_value = Median(Ratios(other.cpu_ns, typed.cpu_ns));
    }
    return rows;
  }

 private:
  Parties Start(Stage* stage, const std::string& program, Meeting meeting,
                int link_type, std::vector<std::string> server_words,
                std::vector<std::string> client_words) {
    Parties parties;
    if (!stage->ok()) return parties;
    ChildSpec server, client;
    const bool ours = program == "unix_party";
    server.program = client.program = FindProgram(
        absl::StrCat("tests/benchmarks/", ours ? "" : "peers/", program));
    server.cpu = client.cpu = cpu_;
    server.words = std::move(server_words);
    client.words = std::move(client_words);
    if (meeting == Meeting::kLink) {
      std::tie(server.link, client.link) = stage->Link(link_type);
    }
    parties.server = stage->Start(server);
    parties.client = stage->Start(client);
    return parties;
  }
  Parties StartOurs(Stage* stage, const Directory* directory,
                    const char* client_role, size_t size) {
    const std::string largest = absl::StrCat(size);
    return StartWithDirectory(stage, directory, {"server", "echo", largest},
                              {client_role, "echo", largest});
  }
  Parties StartTyped(Stage* stage, const Directory* directory) {
    return StartWithDirectory(stage, directory, {"typed_server", "typed"},
                              {"typed_client", "typed"});
  }
  Parties StartWithDirectory(Stage* stage, const Directory* directory,
                             std::vector<std::string> server_words,
                             std::vector<std::string> client_words) {
    Parties parties;
    if (!stage->ok()) return parties;
    ChildSpec spec;
    spec.program = FindProgram("tests/benchmarks/unix_party");
    spec.cpu = cpu_;
    spec.folder = directory->folder();
    spec.words = std::move(server_words);
    parties.server = stage->Start(spec);
    spec.words = std::move(client_words);
    parties.client = stage->Start(spec);
    return parties;
  }
  Parties StartPeer(Stage* stage, const Directory* directory,
                    const Peer& peer) {
    if (!stage->ok()) return Parties();
    const std::string address = directory->folder() + kRawName;
    return Start(stage, peer.program, peer.meeting, SOCK_STREAM,
                 {"server", address}, {"client", address});
  }
  template <typename AnyWork>
  static Variant Of(const Parties& parties, const AnyWork& work,
                    const char* kind) {
    Variant variant;
    variant.client = parties.client;
    variant.others = {parties.server};
    variant.kind = kind;
    variant.size = work.size;
    variant.operations = work.operations;
    return variant;
  }
  static std::string Cell(const Work& work, const Series& raw,
                          const Series& own) {
    const double ns = Median(own.ns);
    return absl::StrCat(FormatFigure(work.is_rate ? 1e9 / ns : ns / 1e3), " (",
                        FormatFigure(Median(Ratios(raw.ns, own.ns))), ")");
  }

  const int rounds_;
  const int cpu_;
};

int Main(int argc, char** argv) {
  int rounds = 11;
  for (int i = 1; i < argc; ++i) {
    const absl::string_view argument = argv[i];
    if (argument.substr(0, 9) == "--rounds=" &&
        absl::SimpleAtoi(argument.substr(9), &rounds) && rounds > 0) {
      continue;
    }
    std::fputs("peers [--rounds=N]\n", stderr);
    return 2;
  }
  std::vector<std::vector<std::string>> table = {
      {"speed (against raw)"}, {"raw SEQPACKET"}, {"le_messaging"}};
  for (const Peer& peer : kPeers) table.push_back({peer.title});
  std::vector<size_t> figures;
  Contest contest(rounds);
  for (const Work& work : kWorks) {
    std::fprintf(stderr, "%s\n", work.title);
    const Column column = contest.Measure(work);
    figures.push_back(table[0].size());
    table[0].push_back(work.title);
    for (size_t i = 0; i < column.cells.size(); ++i) {
      table[i + 1].push_back(column.cells[i]);
    }
  }
  std::printf("client and server on one CPU; medians of %d rounds\n\n%s",
              rounds, FormatColumns(table, figures).c_str());
  std::vector<Row> rows;
  for (const TypedWork& work : kTypedWorks) {
    std::fprintf(stderr, "typed: %s\n", work.title);
    for (Row& row : contest.MeasureTyped(work)) rows.push_back(std::move(row));
  }
  std::printf("\ntyped services; the floor is the named library\n\n%s",
              FormatTable(rows, Columns::kFew).c_str());
  return 0;
}

}  // namespace
}  // namespace benchmarks
}  // namespace le

int main(int argc, char** argv) { return le::benchmarks::Main(argc, argv); }
