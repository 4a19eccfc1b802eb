// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "directory/interface_name.h"

#include <string>

#include "gtest/gtest.h"

namespace le {
namespace directory {
namespace {

TEST(InterfaceNameTest, TakesPrintableAsciiUpToTheLimit) {
  EXPECT_TRUE(CheckInterfaceName("a").ok());
  EXPECT_TRUE(CheckInterfaceName("printer.v2/high-speed_~!").ok());
  EXPECT_TRUE(CheckInterfaceName(std::string(127, 'x')).ok());
}

TEST(InterfaceNameTest, RefusesAnEmptyNameAndOneThatIsTooLong) {
  EXPECT_EQ(CheckInterfaceName(std::string(128, 'x')).message(),
            "the interface name '" + std::string(32, 'x') +
                "...' has 128 bytes, more than 127");
  EXPECT_EQ(CheckInterfaceName("").message(), "the interface name is empty");
}

TEST(InterfaceNameTest, RefusesEachForbiddenByte) {
  for (int c = 0; c < 256; ++c) {
    const std::string name = std::string("a") + static_cast<char>(c);
    const bool allowed =
        c > 0x20 && c < 0x7f && c != '<' && c != '>' && c != '#' && c != '*';
    EXPECT_EQ(CheckInterfaceName(name).ok(), allowed) << c;
  }
  EXPECT_EQ(
      CheckInterfaceName("a b").message(),
      "the interface name 'a b' contains ' '; printable ASCII is allowed, "
      "except blanks and the characters < > # *");
}

TEST(ProtocolIdTest, TakesAnyBytesButNul) {
  EXPECT_TRUE(CheckProtocolId("any \xff bytes").ok());
  EXPECT_TRUE(CheckProtocolId(std::string(127, 'x')).ok());
  EXPECT_FALSE(CheckProtocolId(std::string(128, 'x')).ok());
  EXPECT_FALSE(CheckProtocolId("").ok());
  EXPECT_FALSE(CheckProtocolId(absl::string_view("a\0b", 3)).ok());
}

TEST(PrintableTest, EscapesWhatIsNotPrintable) {
  EXPECT_EQ(Printable("a\n\x01\xff"), "a\\n\\x01\\xff");
}

}  // namespace
}  // namespace directory
}  // namespace le
