// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "tools/sdir/names.h"

#include "gtest/gtest.h"
#include "tools/sdir/known_names.h"

namespace le {
namespace sdir {
namespace {

TEST(NamesTest, NamesEachUserInAText) {
  KnownNames names;
  EXPECT_EQ(names.InText("no binding <1>.x -> <USER>.x, <2>.y"),
            "no binding <ann>.x -> <USER>.x, <bob>.y");
  // User 3 has no name. The other texts are not numbers of users.
  for (const char* const text : {"", "<3>.x", "<", "1>", "<>", "<1", "< 1>",
                                 "<-1>", "<99999999999>", "<<*>.1>"}) {
    EXPECT_EQ(names.InText(text), text);
  }
  EXPECT_EQ(names.InText("<<1>"), "<<ann>");
}

}  // namespace
}  // namespace sdir
}  // namespace le
