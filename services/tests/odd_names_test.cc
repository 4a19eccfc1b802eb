// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// The code that the plugin generates for odd names must compile, also if one
// file includes all of the headers.

#include <csignal>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "google/protobuf/descriptor.pb.h"
#include "gtest/gtest.h"
#include "services/tests/3d-names.le_mock.h"
#include "services/tests/3d_names.le_mock.h"

namespace odd {
namespace {

TEST(OddNamesTest, EachFileHasItsClasses) {
  EXPECT_STREQ(EvenService::LeInfo().protocol, "odd.Even/1");
  EXPECT_STREQ(absl::OddService::LeInfo().protocol, "odd.absl.Odd/1");
  EXPECT_EQ(EvenService::LeTable().methods.size(), 1U);
  EXPECT_EQ(absl::OddService::LeTable().methods.size(), 5U);
  const MockEvenApi even;
  const absl::MockOddService odd;
}

TEST(OddNamesTest, DescriptorsHaveTheJsonNamesThatTheFileSets) {
  const ::absl::string_view bytes = EvenService::LeTable().descriptors;
  google::protobuf::FileDescriptorSet set;
  ASSERT_TRUE(set.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())));
  const auto& ping = set.file(set.file_size() - 1).message_type(0);
  ASSERT_EQ(ping.field_size(), 2);
  EXPECT_FALSE(ping.field(0).has_json_name());
  EXPECT_EQ(ping.field(1).json_name(), "odd_name");
}

class Both final : public EvenService, public absl::OddService {
  void Even(const Ping&, le::Reply<Ping>) override {}
  void Status(const absl::Status&, le::Reply<absl::StatusOr>) override {}
  void StatusOr(const absl::StatusOr&, le::UniqueFd,
                le::ReplyWithFd<absl::Status>) override {}
  void Open(const absl::Status_Move&, le::Sink<absl::Status_Move>) override {}
  void Close(const absl::Status&, const le::Caller&) override {}
  void CreateKeptOpen(const absl::Status&, const le::Caller&) override {}
};

TEST(OddNamesTest, OneObjectMayServeTwoServices) {
  Both both;
  EXPECT_TRUE(le::Serve<EvenService>("even", &both).ok());
  EXPECT_TRUE(le::Serve<absl::OddService>("odd", &both).ok());
  EXPECT_TRUE(::absl::IsInvalidArgument(le::ServeUntilSignal<EvenService>(
      "not a name", &both, SIGTERM, ::absl::ZeroDuration())));
}

TEST(OddNamesTest, AMethodHidesNoFunctionOfTheClient) {
  auto client = absl::OddClient::CreateKeptOpen("odd");
  ASSERT_TRUE(client.ok());
  EXPECT_FALSE(client->CreateKeptOpen(absl::Status()).ok());
}

}  // namespace
}  // namespace odd
