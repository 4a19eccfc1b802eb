// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// A typed service that is known by its descriptors only: its methods, and its
// messages in JSON. The descriptors and the messages may be of a hostile
// service. Has no side effects.

#ifndef LE_MESSAGING_TOOLS_SDIR_TYPED_SERVICE_H_
#define LE_MESSAGING_TOOLS_SDIR_TYPED_SERVICE_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/dynamic_message.h"
#include "google/protobuf/message.h"

namespace le {
namespace sdir {

// The most message types of a service. Protobuf's functions call themselves for
// the type of a field, so a chain of types takes stack.
constexpr size_t kMaxMessageTypes = 1024;
// Protobuf takes quadratic time for files that import each other publicly.
constexpr int kMaxFiles = 1000;
// The most levels of Any: a message in an Any may have an Any, and so on.
// Protobuf copies the message of each Any, and calls itself for it.
constexpr int kMaxAnyDepth = 16;

class TypedService {
 public:
  struct Method {
    uint16_t number = 0;
    bool one_way = false;
    bool streams = false;
    bool fd_in = false;
    bool fd_out = false;
    const google::protobuf::Descriptor* request = nullptr;
    const google::protobuf::Descriptor* response = nullptr;
  };

  // `descriptors` is a google.protobuf.FileDescriptorSet in its binary form.
  // `protocol_id` is "package.Service/version".
  //   InvalidArgument  the descriptors are wrong, or do not have this service
  static absl::StatusOr<std::unique_ptr<TypedService>> Read(
      absl::string_view descriptors, absl::string_view protocol_id);

  // NotFound: there is no such method; the message names the others.
  // InvalidArgument: the method's options are wrong.
  absl::StatusOr<Method> FindMethod(absl::string_view name) const;

  // NotFound: no method has this number.
  absl::StatusOr<std::string> NameOfMethod(uint16_t number) const;

  // The .proto files of the service, without the files that come with Protobuf
  // or with this library.
  std::string Text() const;

  // An empty message. `type` is the request or the response of a method of this
  // service.
  std::unique_ptr<google::protobuf::Message> NewMessage(
      const google::protobuf::Descriptor* type);
  // InvalidArgument: the text is not JSON, or not of this type.
  absl::StatusOr<std::unique_ptr<google::protobuf::Message>> FromJson(
      absl::string_view json, const google::protobuf::Descriptor* type);
  // Returns one line, without a newline. InvalidArgument: the message lacks a
  // required field, has an Any of an unknown type, or has more than
  // kMaxAnyDepth levels of Any.
  static absl::StatusOr<std::string> ToJson(
      const google::protobuf::Message& message);

 private:
  TypedService();

  // Has the service's files. A file of this program's generated code replaces
  // the service's file of the same name, because Protobuf trusts its own types.
  google::protobuf::DescriptorPool pool_;
  google::protobuf::DynamicMessageFactory factory_;
  const google::protobuf::ServiceDescriptor* service_ = nullptr;
  std::vector<const google::protobuf::FileDescriptor*> files_;
};

}  // namespace sdir
}  // namespace le

#endif  // LE_MESSAGING_TOOLS_SDIR_TYPED_SERVICE_H_
