// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "tools/sdir/typed_service.h"

#include <limits>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "google/protobuf/any.pb.h"
#include "google/protobuf/descriptor.pb.h"
#include "google/protobuf/duration.pb.h"
#include "google/protobuf/dynamic_message.h"
#include "google/protobuf/empty.pb.h"
#include "google/protobuf/field_mask.pb.h"
#include "google/protobuf/struct.pb.h"
#include "google/protobuf/timestamp.pb.h"
#include "google/protobuf/util/json_util.h"
#include "google/protobuf/wrappers.pb.h"
#include "le/service.pb.h"
#include "tools/sdir/text.h"

namespace le {
namespace sdir {

using google::protobuf::Descriptor;
using google::protobuf::DescriptorPool;
using google::protobuf::FileDescriptorProto;
using google::protobuf::FileDescriptorSet;
using google::protobuf::Message;

namespace {

// Returns the pool of the types that this program contains. The list names a
// type of each .proto file that is needed, so that the linker keeps the file's
// types.
const DescriptorPool* OwnTypes() {
  for (const Descriptor* const type : {
           google::protobuf::Any::descriptor(),
           google::protobuf::Duration::descriptor(),
           google::protobuf::Empty::descriptor(),
           google::protobuf::FieldMask::descriptor(),
           google::protobuf::Struct::descriptor(),
           google::protobuf::Timestamp::descriptor(),
           google::protobuf::Int32Value::descriptor(),
           le::OneWay::descriptor(),
       }) {
    if (type == nullptr) return nullptr;
  }
  return DescriptorPool::generated_pool();
}

// Keeps the first error. Without a collector, Protobuf writes errors to the
// log.
class FirstError final : public DescriptorPool::ErrorCollector {
 public:
  const std::string& text() const { return text_; }

  // In other versions of Protobuf, this function has another name and other
  // parameter types.
#if GOOGLE_PROTOBUF_VERSION >= 4022000
  void RecordError(absl::string_view, absl::string_view element, const Message*,
                   ErrorLocation, absl::string_view message) override {
#else
  void AddError(const std::string&, const std::string& element, const Message*,
                ErrorLocation, const std::string& message) override {
#endif
    if (text_.empty()) text_ = absl::StrCat(element, ": ", message);
  }

 private:
  std::string text_;
};

absl::Status Wrong(absl::string_view what) {
  return absl::InvalidArgumentError(
      absl::StrCat("the service's descriptors: ", what));
}

// Counts the message types. Refuses a message type in the package
// google.protobuf, because Protobuf gives some types of this package a special
// meaning. The parser of the descriptors has bounded the depth of nested types.
template <typename Type>
absl::Status CheckTypes(const Type& types, const std::string& scope,
                        size_t* count) {
  for (const auto& type : types) {
    const std::string name = absl::StrCat(scope, ".", type.name());
    if (absl::StartsWith(name, ".google.protobuf.")) {
      return Wrong(absl::StrCat(
          "type ", name,
          " is in a file that sdir does not contain: sdir accepts types in "
          "google.protobuf only from its own files"));
    }
    if (++*count > kMaxMessageTypes) {
      return Wrong(absl::StrCat("more than ", kMaxMessageTypes, " messages"));
    }
    absl::Status nested = CheckTypes(type.nested_type(), name, count);
    if (!nested.ok()) return nested;
  }
  return absl::OkStatus();
}

// The method's number in the code that protoc-gen-le generates.
uint32_t NumberOf(const google::protobuf::MethodDescriptor* method) {
  const uint32_t number = method->options().GetExtension(le::method).number();
  return number != 0 ? number : static_cast<uint32_t>(method->index()) + 1;
}

// Whether messages of type Any are nested deeper than `depth` in the message.
// `pool` has the types of the messages inside an Any.
bool HasDeeperAny(const Message& message, const DescriptorPool* pool,
                  int depth) {
  const google::protobuf::Reflection* const reflection =
      message.GetReflection();
  const Descriptor* const type = message.GetDescriptor();
  if (type->full_name() == "google.protobuf.Any") {
    if (depth == 0) return true;
    const std::string url =
        reflection->GetString(message, type->FindFieldByNumber(1));
    const Descriptor* const content =
        pool->FindMessageTypeByName(url.substr(url.rfind('/') + 1));
    if (content == nullptr) return false;
    google::protobuf::DynamicMessageFactory factory;
    const std::unique_ptr<Message> inner(factory.GetPrototype(content)->New());
    return inner->ParsePartialFromString(
               reflection->GetString(message, type->FindFieldByNumber(2))) &&
           HasDeeperAny(*inner, pool, depth - 1);
  }
  std::vector<const google::protobuf::FieldDescriptor*> fields;
  reflection->ListFields(message, &fields);
  for (const auto* const field : fields) {
    if (field->cpp_type() !=
        google::protobuf::FieldDescriptor::CPPTYPE_MESSAGE) {
      continue;
    }
    const int count =
        field->is_repeated() ? reflection->FieldSize(message, field) : 1;
    for (int i = 0; i < count; ++i) {
      const Message& part =
          field->is_repeated()
              ? reflection->GetRepeatedMessage(message, field, i)
              : reflection->GetMessage(message, field);
      if (HasDeeperAny(part, pool, depth)) return true;
    }
  }
  return false;
}

// The statuses of Protobuf are of another type in older versions.
template <typename Status>
absl::Status NotJson(absl::string_view what, const Status& status) {
  return absl::InvalidArgumentError(absl::StrCat(
      what, ": ",
      absl::string_view(status.message().data(), status.message().size())));
}

}  // namespace

TypedService::TypedService() : pool_(OwnTypes()) {}

absl::StatusOr<std::unique_ptr<TypedService>> TypedService::Read(
    absl::string_view descriptors, absl::string_view protocol_id) {
  FileDescriptorSet set;
  if (descriptors.size() > size_t{std::numeric_limits<int>::max()} ||
      !set.ParseFromArray(descriptors.data(),
                          static_cast<int>(descriptors.size()))) {
    return Wrong("they cannot be parsed");
  }
  if (set.file_size() > kMaxFiles) {
    return Wrong(absl::StrCat("more than ", kMaxFiles, " files"));
  }
  std::unique_ptr<TypedService> typed(new TypedService);
  size_t types = 0;
  for (const FileDescriptorProto& file : set.file()) {
    // Text() prints the name in a comment, which a newline would end.
    if (Escaped(file.name()) != file.name()) {
      return Wrong(absl::StrCat("the file name '", Escaped(file.name()),
                                "' must be printable ASCII without ' and \\"));
    }
    if (OwnTypes()->FindFileByName(file.name()) != nullptr) continue;
    absl::Status checked = CheckTypes(
        file.message_type(),
        file.package().empty() ? "" : absl::StrCat(".", file.package()),
        &types);
    if (!checked.ok()) return checked;
    FirstError error;
    const google::protobuf::FileDescriptor* const built =
        typed->pool_.BuildFileCollectingErrors(file, &error);
    if (built == nullptr) return Wrong(error.text());
    typed->files_.push_back(built);
  }
  for (const auto* const file : typed->files_) {
    for (int i = 0; i < file->service_count(); ++i) {
      const auto* const service = file->service(i);
      if (absl::StrCat(service->full_name(), "/",
                       service->options().GetExtension(le::version)) ==
          protocol_id) {
        typed->service_ = service;
      }
    }
  }
  if (typed->service_ == nullptr) {
    return Wrong(absl::StrCat("there is no ", protocol_id));
  }
  return typed;
}

absl::StatusOr<TypedService::Method> TypedService::FindMethod(
    absl::string_view name) const {
  std::string names;
  for (int i = 0; i < service_->method_count(); ++i) {
    const auto* const found = service_->method(i);
    if (found->name() != name) {
      absl::StrAppend(&names, names.empty() ? "" : ", ", found->name());
      continue;
    }
    const le::MethodOptions& options =
        found->options().GetExtension(le::method);
    const uint32_t number = NumberOf(found);
    if (number > std::numeric_limits<uint16_t>::max()) {
      return Wrong(absl::StrCat("method ", name, " has the number ", number,
                                ", which is above 65535"));
    }
    Method method;
    method.number = static_cast<uint16_t>(number);
    method.request = found->input_type();
    method.response = found->output_type();
    method.one_way = method.response->full_name() == "le.OneWay";
    method.streams = found->server_streaming();
    method.fd_in = options.fd_in();
    method.fd_out = options.fd_out();
    return method;
  }
  if (names.empty()) return absl::NotFoundError("the service has no methods");
  return absl::NotFoundError(absl::StrCat("the service has no method '", name,
                                          "'. Its methods: ", names));
}

absl::StatusOr<std::string> TypedService::NameOfMethod(uint16_t number) const {
  for (int i = 0; i < service_->method_count(); ++i) {
    if (NumberOf(service_->method(i)) == number) {
      return std::string(service_->method(i)->name());
    }
  }
  return absl::NotFoundError(absl::StrCat("no method has the number ", number));
}

std::string TypedService::Text() const {
  std::string text;
  for (const auto* const file : files_) {
    absl::StrAppend(&text, text.empty() ? "" : "\n", "// ", file->name(), "\n",
                    file->DebugString());
  }
  return text;
}

std::unique_ptr<Message> TypedService::NewMessage(const Descriptor* type) {
  return std::unique_ptr<Message>(factory_.GetPrototype(type)->New());
}

absl::StatusOr<std::unique_ptr<Message>> TypedService::FromJson(
    absl::string_view json, const Descriptor* type) {
  std::unique_ptr<Message> message = NewMessage(type);
  const auto read = google::protobuf::util::JsonStringToMessage(
      {json.data(), json.size()}, message.get());
  if (!read.ok()) {
    return NotJson(absl::StrCat("not a ", type->full_name(), " in JSON"), read);
  }
  return message;
}

absl::StatusOr<std::string> TypedService::ToJson(const Message& message) {
  if (!message.IsInitialized()) {
    return absl::InvalidArgumentError(
        absl::StrCat(message.GetTypeName(), " lacks a required field"));
  }
  if (HasDeeperAny(message, message.GetDescriptor()->file()->pool(),
                   kMaxAnyDepth)) {
    return absl::InvalidArgumentError(
        absl::StrCat(message.GetTypeName(), " has more than ", kMaxAnyDepth,
                     " levels of nested Any"));
  }
  std::string json;
  const auto written =
      google::protobuf::util::MessageToJsonString(message, &json);
  if (!written.ok()) {
    return NotJson(absl::StrCat("no JSON form of a ", message.GetTypeName()),
                   written);
  }
  return json;
}

}  // namespace sdir
}  // namespace le
