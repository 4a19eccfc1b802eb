// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// Opening and closing a session while another user attacks the directory. In
// each round a block without the attack is next to one with it.

#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/benchmarks/bench.h"
#include "tests/benchmarks/rows.h"
#include "tests/trust/attacks.h"

namespace le {
namespace benchmarks {
namespace {

// These users need not be in the user database.
constexpr uid_t kHonest = 12345;
constexpr uid_t kFirstAttacker = 23456;

struct Attackers {
  trust::Attack attack;
  uid_t users;
  int processes;  // of each user
  std::string name() const {
    return absl::StrCat("attack_", attack.name, users > 1 ? "_two_users" : "",
                        processes > 1 ? "_ten_processes" : "");
  }
};

bool HaveOtherUsers() {
  return geteuid() == 0 && seteuid(kHonest) == 0 && seteuid(0) == 0;
}

Child* StartHonest(Bench* bench, const Directory* directory, const char* role) {
  if (!bench->stage()->ok()) return nullptr;
  ChildSpec spec = PartySpec("unix_party", {role, "honest", "64"}, -1);
  spec.folder = directory->folder();
  spec.uid = kHonest;
  return bench->stage()->Start(spec);
}

void Measure(Bench* bench, const Attackers& attackers) {
  if (!HaveOtherUsers()) {
    return bench->stage()->Fail("there is no other user here");
  }
  std::string bindings =
      absl::StrCat("<", kHonest, ">.* -> <", kHonest, ">.*\n");
  for (uid_t user = 0; user < attackers.users; ++user) {
    const uid_t uid = kFirstAttacker + user;
    absl::StrAppend(&bindings, "<", uid, ">.* -> <", uid, ">.*\n");
  }
  const Directory* const directory =
      bench->stage()->StartDirectory(bindings, -1);
  if (!bench->stage()->ok()) return;
  if (chmod(directory->folder().c_str(), 0755) != 0) {
    return bench->stage()->Fail("the folder cannot be opened to all");
  }
  Pair pair;
  pair.server = StartHonest(bench, directory, "server");
  pair.client = StartHonest(bench, directory, "client");
  Variant idle = Of(pair, "open_close", 64, bench->Count(100));
  idle.directory = directory;
  Variant attacked = idle;
  for (uid_t user = 0; user < attackers.users; ++user) {
    for (int i = 0; i < attackers.processes; ++i) {
      attacked.attackers.push_back(PartySpec(
          "attacker", {attackers.attack.name, directory->folder()}, -1));
      attacked.attackers.back().uid = kFirstAttacker + user;
    }
  }
  const std::vector<Series> series = bench->stage()->Compare({idle, attacked});
  if (!bench->stage()->ok()) return;
  bench->SetCosts(attackers.name(), series[0], series[1]);
  const auto longest_ms = [](const Series& of) {
    return *std::max_element(of.longest_ns.begin(), of.longest_ns.end()) / 1e6;
  };
  bench->SetOne(attackers.name() + "_longest", longest_ms(series[1]),
                longest_ms(series[0]));
}

void Declare(Bench* bench, const Attackers& attackers) {
  std::string what = attackers.attack.what;
  if (attackers.users > 1) absl::StrAppend(&what, "; two users");
  if (attackers.processes > 1) absl::StrAppend(&what, "; ten processes");
  bench->Declare(
      what,
      {NewRow(attackers.name(), what, "us", AtMost(2)),
       NewRow(attackers.name() + "_longest", "  longest", "ms", AtMost(1000))},
      [attackers](Bench* b) { Measure(b, attackers); });
}

}  // namespace

std::vector<Row> MeasureRows(const Options& options) {
  Bench bench(options);
  for (const trust::Attack& attack : trust::AllAttacks()) {
    Declare(&bench, {attack, 1, 1});
  }
  for (const char* name : {"spin", "connect", "advertise"}) {
    Declare(&bench, {trust::FindAttack(name), 2, 1});
    Declare(&bench, {trust::FindAttack(name), 1, 10});
  }
  return bench.Run();
}

}  // namespace benchmarks
}  // namespace le
