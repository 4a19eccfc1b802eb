// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/compatible/compare.h"

#include <map>
#include <set>
#include <utility>

#include "google/protobuf/descriptor.h"
#include "le/service.pb.h"

namespace le {
namespace services {

namespace {

using google::protobuf::Descriptor;
using google::protobuf::DescriptorPool;
using google::protobuf::EnumDescriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::FileDescriptor;
using google::protobuf::FileDescriptorProto;
using google::protobuf::FileDescriptorSet;
using google::protobuf::MethodDescriptor;
using google::protobuf::ServiceDescriptor;

// Newer versions of Protobuf return names as string views.
template <typename Named>
std::string FullName(const Named* named) {
  return std::string(named->full_name());
}

class Comparison {
 public:
  void Compare(const ServiceDescriptor* before, const ServiceDescriptor* now) {
    if (Version(before) != Version(now)) return;
    const std::string name = "service " + FullName(before);
    if (before->options().GetExtension(le::largest_message) !=
        now->options().GetExtension(le::largest_message)) {
      Break(name + ": (le.largest_message) has changed");
    }
    std::map<uint32_t, const MethodDescriptor*> by_number;
    for (int i = 0; i < now->method_count(); ++i) {
      by_number[NumberOf(now->method(i))] = now->method(i);
    }
    for (int i = 0; i < before->method_count(); ++i) {
      const MethodDescriptor* const method = before->method(i);
      const auto it = by_number.find(NumberOf(method));
      const std::string what = "method " + FullName(method) + " (number " +
                               std::to_string(NumberOf(method)) + ")";
      if (it == by_number.end()) {
        Break(what + ": the method was removed");
      } else if (it->second->name() != method->name()) {
        // In most cases, a method was inserted or removed, and the numbers of
        // all later methods have changed.
        Break(what + ": the number is now that of method " +
              FullName(it->second));
      } else {
        Compare(what, method, it->second);
      }
    }
  }
  void Break(std::string what) { breaks_.push_back(std::move(what)); }
  std::vector<std::string> Take() { return std::move(breaks_); }

 private:
  static uint32_t Version(const ServiceDescriptor* service) {
    return service->options().GetExtension(le::version);
  }
  static const le::MethodOptions& OptionsOf(const MethodDescriptor* method) {
    return method->options().GetExtension(le::method);
  }
  static uint32_t NumberOf(const MethodDescriptor* method) {
    const uint32_t number = OptionsOf(method).number();
    return number != 0 ? number : static_cast<uint32_t>(method->index()) + 1;
  }
  static bool IsOneWay(const MethodDescriptor* method) {
    return method->output_type()->full_name() == "le.OneWay";
  }

  void Compare(const std::string& what, const MethodDescriptor* before,
               const MethodDescriptor* now) {
    if (before->server_streaming() != now->server_streaming()) {
      Break(what + ": the method is a stream in one of the two files only");
    }
    if (IsOneWay(before) != IsOneWay(now)) {
      Break(what + ": the method is one-way in one of the two files only");
    }
    if (OptionsOf(before).fd_in() != OptionsOf(now).fd_in() ||
        OptionsOf(before).fd_out() != OptionsOf(now).fd_out()) {
      Break(what + ": fd_in or fd_out has changed");
    }
    Compare(before->input_type(), now->input_type());
    Compare(before->output_type(), now->output_type());
  }

  void Compare(const Descriptor* before, const Descriptor* now) {
    if (!compared_.insert({FullName(before), FullName(now)}).second) return;
    for (int i = 0; i < before->field_count(); ++i) {
      const FieldDescriptor* const field = before->field(i);
      const FieldDescriptor* const other =
          now->FindFieldByNumber(field->number());
      if (other != nullptr) {
        Compare(field, other);
      } else if (field->is_required()) {
        Break("field " + FullName(field) +
              ": the field was removed, but old peers require it");
      } else if (!now->IsReservedNumber(field->number())) {
        Break("field " + FullName(field) +
              ": the field was removed, but its number " +
              std::to_string(field->number()) + " is not reserved");
      }
    }
    for (int i = 0; i < now->field_count(); ++i) {
      if (now->field(i)->is_required() &&
          before->FindFieldByNumber(now->field(i)->number()) == nullptr) {
        Break("field " + FullName(now->field(i)) +
              ": the field is new and required");
      }
    }
  }
  void Compare(const FieldDescriptor* before, const FieldDescriptor* now) {
    const std::string what = "field " + FullName(before);
    if (before->type() != now->type()) {
      Break(what + ": the type has changed");
    } else if (before->is_repeated() != now->is_repeated() ||
               before->is_required() != now->is_required()) {
      Break(what + ": the label has changed");
    } else if (before->message_type() != nullptr) {
      Compare(before->message_type(), now->message_type());
    } else if (before->enum_type() != nullptr) {
      Compare(before->enum_type(), now->enum_type());
    }
  }
  void Compare(const EnumDescriptor* before, const EnumDescriptor* now) {
    if (!compared_.insert({FullName(before), FullName(now)}).second) return;
    for (int i = 0; i < before->value_count(); ++i) {
      const int number = before->value(i)->number();
      if (now->FindValueByNumber(number) == nullptr &&
          !now->IsReservedNumber(number)) {
        Break("value " + FullName(before->value(i)) +
              ": the value was removed, but its number " +
              std::to_string(number) + " is not reserved");
      }
    }
  }

  std::vector<std::string> breaks_;
  // The pairs of messages and enums that were compared. Without this set, the
  // comparison of a message that contains itself would not end.
  std::set<std::pair<std::string, std::string>> compared_;
};

// Adds the files to the pool. False: the files are not valid.
bool Build(const FileDescriptorSet& set, DescriptorPool* pool,
           std::vector<const FileDescriptor*>* files) {
  // The sets leave out descriptor.proto.
  FileDescriptorProto descriptor_proto;
  FileDescriptorSet::descriptor()->file()->CopyTo(&descriptor_proto);
  if (pool->BuildFile(descriptor_proto) == nullptr) return false;
  for (const FileDescriptorProto& file : set.file()) {
    files->push_back(pool->BuildFile(file));
    if (files->back() == nullptr) return false;
  }
  return true;
}

}  // namespace

std::vector<std::string> FindBreaks(const FileDescriptorSet& before,
                                    const FileDescriptorSet& now) {
  DescriptorPool pool_before;
  DescriptorPool pool_now;
  std::vector<const FileDescriptor*> files;
  std::vector<const FileDescriptor*> files_now;
  constexpr char kWrong[] =
      " does not have valid descriptors, as protoc-gen-le writes them";
  if (before.file().empty() || !Build(before, &pool_before, &files)) {
    return {std::string("the first file") + kWrong};
  }
  if (!Build(now, &pool_now, &files_now)) {
    return {std::string("the second file") + kWrong};
  }
  Comparison comparison;
  for (const FileDescriptor* const file : files) {
    for (int i = 0; i < file->service_count(); ++i) {
      const ServiceDescriptor* const service = file->service(i);
      const ServiceDescriptor* const other =
          pool_now.FindServiceByName(FullName(service));
      if (other == nullptr) {
        comparison.Break("service " + FullName(service) +
                         ": the service was removed");
      } else {
        comparison.Compare(service, other);
      }
    }
  }
  return comparison.Take();
}

}  // namespace services
}  // namespace le
