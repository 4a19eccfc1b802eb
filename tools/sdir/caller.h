// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// Calls a typed service without generated code.

#ifndef LE_MESSAGING_TOOLS_SDIR_CALLER_H_
#define LE_MESSAGING_TOOLS_SDIR_CALLER_H_

#include <cstddef>
#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "google/protobuf/message.h"
#include "le/call_options.h"
#include "le/internal/typed_client_core.h"
#include "le/unique_fd.h"
#include "tools/sdir/typed_service.h"

namespace le {
namespace sdir {

// A session with a typed service. Belongs to the thread that creates it.
class Caller {
 public:
  // Opens a session as the client interface `interface`, with a service of this
  // protocol. Does not wait for the service.
  //   InvalidArgument  the service's protocol is not that of a typed service
  //   the errors of Client::TryOpen()
  static absl::StatusOr<std::unique_ptr<Caller>> Open(
      const std::string& interface, std::string protocol_id,
      size_t max_message_size, absl::Duration timeout);

  // Asks the service for its descriptors.
  absl::StatusOr<std::unique_ptr<TypedService>> Introspect(
      absl::Duration timeout);

  // Calls a method, and waits for its end. `on_message` gets the response, or
  // each item of a stream. A file descriptor of the response is dropped.
  absl::Status Call(
      const TypedService::Method& method,
      const google::protobuf::Message& request, UniqueFd fd,
      const CallOptions& options, google::protobuf::Message* response,
      const std::function<void(const google::protobuf::Message&)>& on_message);

 private:
  explicit Caller(std::string protocol_id)
      : protocol_id_(std::move(protocol_id)) {}

  const std::string protocol_id_;
  internal::CorePtr<internal::TypedClientCore> core_;
};

// Describes a message of a typed service in words and JSON. Empty: the bytes
// are not a message of the service.
std::string DescribeMessage(TypedService* service, absl::string_view bytes);

}  // namespace sdir
}  // namespace le

#endif  // LE_MESSAGING_TOOLS_SDIR_CALLER_H_
