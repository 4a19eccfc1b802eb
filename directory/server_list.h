// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef LE_MESSAGING_DIRECTORY_SERVER_LIST_H_
#define LE_MESSAGING_DIRECTORY_SERVER_LIST_H_

#include <string>
#include <utility>

#include "absl/types/optional.h"
#include "directory/server.h"
#include "directory/server_peer.h"

namespace le {
namespace directory {

// All that there is, for one administrator: a part in each turn, and no more than
// it reads. What changes meanwhile may be in it or not. It owes its life to its
// peer, and ends with the last part.
class DirectoryServer::List final : private event::Task {
 public:
  List(DirectoryServer* directory, Peer* peer);
  ~List() override;

  // May end with the destruction of the list, and of the peer.
  void Begin() { Run(); }
  void GoOn();

 private:
  void Run() override;
  // Adds one entry; returns how long it is.
  size_t AddBinding(proto::ListPart* part);
  size_t AddServer(proto::ListPart* part);
  size_t AddWaiting(proto::ListPart* part);
  size_t AddNotTaken(proto::ListPart* part);
  size_t AddUser(proto::ListPart* part);
  void AddTotals(proto::ListPart* part);

  enum class Section {
    kBindingsOfUsers,
    kBindingsOfAnyUser,
    kServers,
    kWaiting,
    kNotTaken,
    kUsers,
    kEnd,
  };
  void NextSection();

  DirectoryServer* const directory_;
  Peer* const peer_;
  bool posted_ = false;
  Section section_ = Section::kBindingsOfUsers;
  // The last of this section that is in it.
  absl::optional<std::pair<uid_t, std::string>> user_binding_;
  absl::optional<std::string> any_user_binding_;
  PeerId last_ = 0;
  absl::optional<uid_t> last_user_;
};

}  // namespace directory
}  // namespace le

#endif  // LE_MESSAGING_DIRECTORY_SERVER_LIST_H_
