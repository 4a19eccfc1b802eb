// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// Formats the events of a directory, for people and for programs. Has no side
// effects.

#ifndef LE_MESSAGING_TOOLS_SDIR_EVENT_FORMAT_H_
#define LE_MESSAGING_TOOLS_SDIR_EVENT_FORMAT_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "directory/proto/directory.pb.h"
#include "tools/sdir/names.h"

namespace le {
namespace sdir {

// Selects interfaces. Its text is <USER>.INTERFACE, where * stands for any.
class Filter {
 public:
  Filter() = default;  // selects all
  // InvalidArgument: the text is not a filter.
  static absl::StatusOr<Filter> Parse(absl::string_view text);

  // `agent` is "<user>.interface".
  bool Selects(absl::string_view agent) const;
  // Returns whether the client or the server of the event is selected. An event
  // that has neither is selected only by a filter that selects all.
  bool Selects(const directory::proto::Event& event, Names* names) const;
  // Removes from a list the entries that are not selected. The totals stay.
  void Apply(directory::proto::ListPart* list, Names* names) const;

 private:
  bool all_ = true;
  std::string user_, interface_;
};

// "<user>.interface process[pid]".
std::string PartyText(const directory::proto::Party& party, Names* names);
std::string PartyJson(const directory::proto::Party& party, Names* names);

// Both return one line, which ends with a newline. If the monitor has missed
// events before this event, the result of EventText() begins with a line that
// says how many. `at` is the time of the event.
std::string EventText(const directory::proto::Event& event, absl::Time at,
                      Names* names);
std::string EventJson(const directory::proto::Event& event, absl::Time at,
                      Names* names);

}  // namespace sdir
}  // namespace le

#endif  // LE_MESSAGING_TOOLS_SDIR_EVENT_FORMAT_H_
