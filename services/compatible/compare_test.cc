// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/compatible/compare.h"

#include <string>
#include <vector>

#include "google/protobuf/io/tokenizer.h"
#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"
#include "le/service.pb.h"

namespace le {
namespace services {
namespace {

using google::protobuf::FileDescriptorProto;
using google::protobuf::FileDescriptorSet;

// A service with a unary method, a stream and a one-way method.
FileDescriptorSet Base() {
  FileDescriptorSet set;
  le::OneWay::descriptor()->file()->CopyTo(set.add_file());
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(
      R"pb(
        name: "a.proto"
        package: "p"
        syntax: "proto3"
        dependency: "le/service.proto"
        message_type {
          name: "Inner"
          field {
            name: "self"
            number: 1
            type: TYPE_MESSAGE
            type_name: ".p.Inner"
            label: LABEL_OPTIONAL
          }
          field {
            name: "color"
            number: 2
            type: TYPE_ENUM
            type_name: ".p.Color"
            label: LABEL_OPTIONAL
          }
        }
        message_type {
          name: "Outer"
          field {
            name: "inner"
            number: 1
            type: TYPE_MESSAGE
            type_name: ".p.Inner"
            label: LABEL_OPTIONAL
          }
          field {
            name: "count"
            number: 2
            type: TYPE_INT32
            label: LABEL_OPTIONAL
          }
        }
        enum_type {
          name: "Color"
          value { name: "RED" number: 0 }
          value { name: "BLUE" number: 1 }
        }
        service {
          name: "S"
          options {
            [le.version]: 1
          }
          method { name: "A" input_type: ".p.Outer" output_type: ".p.Inner" }
          method {
            name: "B"
            input_type: ".p.Inner"
            output_type: ".p.Outer"
            server_streaming: true
          }
          method { name: "C" input_type: ".p.Inner" output_type: ".le.OneWay" }
        }
      )pb",
      set.add_file()));
  return set;
}
FileDescriptorProto* File(FileDescriptorSet* set) {
  return set->mutable_file(1);
}

// Returns the incompatible changes that `change` causes, one a line.
template <typename Change>
std::string After(Change change) {
  FileDescriptorSet now = Base();
  change(File(&now));
  std::string all;
  for (const std::string& what : FindBreaks(Base(), now)) all += what + "\n";
  return all;
}

TEST(CompareTest, CompatibleChanges) {
  EXPECT_EQ(After([](FileDescriptorProto*) {}), "");
  EXPECT_EQ(
      After([](FileDescriptorProto* file) {
        auto* const method = file->mutable_service(0)->add_method();
        method->set_name("D");
        method->set_input_type(".p.Inner");
        method->set_output_type(".p.Inner");
        auto* const field = file->mutable_message_type(1)->add_field();
        field->set_name("more");
        field->set_number(7);
        field->set_type(google::protobuf::FieldDescriptorProto::TYPE_BOOL);
        auto* const value = file->mutable_enum_type(0)->add_value();
        value->set_name("GREEN");
        value->set_number(2);
        file->mutable_message_type(1)->mutable_field(1)->set_name("other");
      }),
      "");
  // A field is removed, and its number is reserved.
  EXPECT_EQ(After([](FileDescriptorProto* file) {
              auto* const outer = file->mutable_message_type(1);
              outer->mutable_field()->RemoveLast();
              auto* const range = outer->add_reserved_range();
              range->set_start(2);
              range->set_end(3);
            }),
            "");
  // The version of the service has changed, too. Peers of different versions
  // never connect, so the removal of the method does not count.
  EXPECT_EQ(After([](FileDescriptorProto* file) {
              auto* const service = file->mutable_service(0);
              service->mutable_options()->SetExtension(le::version, 2);
              service->mutable_method()->RemoveLast();
            }),
            "");
}

TEST(CompareTest, EachBreakIsNamed) {
  EXPECT_EQ(After([](FileDescriptorProto* file) { file->clear_service(); }),
            "service p.S: the service was removed\n");
  EXPECT_EQ(After([](FileDescriptorProto* file) {
              file->mutable_service(0)->mutable_options()->SetExtension(
                  le::largest_message, 7);
            }),
            "service p.S: (le.largest_message) has changed\n");
  EXPECT_EQ(After([](FileDescriptorProto* file) {
              file->mutable_service(0)->mutable_method()->RemoveLast();
            }),
            "method p.S.C (number 3): the method was removed\n");
  EXPECT_EQ(
      After([](FileDescriptorProto* file) {
        file->mutable_service(0)->mutable_method()->SwapElements(0, 1);
      }),
      "method p.S.A (number 1): the number is now that of method p.S.B\n"
      "method p.S.B (number 2): the number is now that of method p.S.A\n");
  EXPECT_EQ(After([](FileDescriptorProto* file) {
              auto* const method = file->mutable_service(0)->mutable_method(1);
              method->set_server_streaming(false);
              method->mutable_options()
                  ->MutableExtension(le::method)
                  ->set_fd_in(true);
            }),
            "method p.S.B (number 2): the method is a stream in one of the two "
            "files only\n"
            "method p.S.B (number 2): fd_in or fd_out has changed\n");
  EXPECT_EQ(After([](FileDescriptorProto* file) {
              file->mutable_service(0)->mutable_method(2)->set_output_type(
                  ".p.Inner");
            }),
            "method p.S.C (number 3): the method is one-way in one of the two "
            "files only\n");
  EXPECT_EQ(
      After([](FileDescriptorProto* file) {
        file->mutable_message_type(1)->mutable_field()->RemoveLast();
      }),
      "field p.Outer.count: the field was removed, but its number 2 is not "
      "reserved\n");
  EXPECT_EQ(After([](FileDescriptorProto* file) {
              file->mutable_message_type(1)->mutable_field(1)->set_type(
                  google::protobuf::FieldDescriptorProto::TYPE_STRING);
            }),
            "field p.Outer.count: the type has changed\n");
  EXPECT_EQ(After([](FileDescriptorProto* file) {
              file->mutable_message_type(1)->mutable_field(1)->set_label(
                  google::protobuf::FieldDescriptorProto::LABEL_REPEATED);
            }),
            "field p.Outer.count: the label has changed\n");
  EXPECT_EQ(After([](FileDescriptorProto* file) {
              file->mutable_enum_type(0)->mutable_value()->RemoveLast();
            }),
            "value p.BLUE: the value was removed, but its number 1 is not "
            "reserved\n");
  EXPECT_EQ(FindBreaks(FileDescriptorSet(), Base()).size(), 1U);
}

// If a message lacks a field that the peer requires, the peer cannot read the
// message.
TEST(CompareTest, ARequiredFieldMustNotBeAddedOrRemoved) {
  FileDescriptorSet with = Base();
  File(&with)->set_syntax("proto2");
  FileDescriptorSet without = with;
  File(&with)->mutable_message_type(1)->mutable_field(1)->set_label(
      google::protobuf::FieldDescriptorProto::LABEL_REQUIRED);
  auto* const outer = File(&without)->mutable_message_type(1);
  outer->mutable_field()->RemoveLast();
  auto* const range = outer->add_reserved_range();
  range->set_start(2);
  range->set_end(3);
  EXPECT_EQ(FindBreaks(with, with), std::vector<std::string>());
  EXPECT_EQ(FindBreaks(with, without),
            std::vector<std::string>{
                "field p.Outer.count: the field was removed, but old peers "
                "require it"});
  outer->clear_reserved_range();
  EXPECT_EQ(FindBreaks(without, with),
            std::vector<std::string>{
                "field p.Outer.count: the field is new and required"});
}

}  // namespace
}  // namespace services
}  // namespace le
