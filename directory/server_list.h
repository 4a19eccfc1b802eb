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

// Sends one administrator a list of all bindings, servers, waiting clients and
// users. Sends one part in each turn of the loop, and only as much as the
// administrator reads. A change during this time may be in the list or not. The
// peer owns the list. After the last part the list destroys itself.
class DirectoryServer::List final : private event::Task {
 public:
  List(DirectoryServer* directory, Peer* peer);

  // May destroy this list and its peer.
  void Begin() { Run(); }
  void GoOn();

 private:
  void Run() override;
  // Each of the next five functions adds an entry and returns its size. 0: the
  // section has no more entries. AddNotTaken() adds all entries of one server.
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
  // The key of the last entry, in the present section.
  absl::optional<std::pair<uid_t, std::string>> user_binding_;
  absl::optional<std::string> any_user_binding_;
  PeerId last_ = 0;
  absl::optional<uid_t> last_user_;
};

}  // namespace directory
}  // namespace le

#endif  // LE_MESSAGING_DIRECTORY_SERVER_LIST_H_
