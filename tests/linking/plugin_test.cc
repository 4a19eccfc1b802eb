// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// A host opens and closes a plug-in more often than a process has keys for
// thread-specific data. Each thread ends after it has closed the plug-in.

#include <dlfcn.h>
#include <limits.h>

#include <cstdlib>
#include <thread>

#include "gtest/gtest.h"

namespace {

const char* g_plugin = nullptr;

TEST(PluginTest, ThreadsOutliveAPluginThatIsOpenedAgain) {
  constexpr int kRounds = PTHREAD_KEYS_MAX + 100;
  int ended = 0;
  for (int i = 0; i < kRounds; ++i) {
    std::thread([&ended] {
      void* const plugin = dlopen(g_plugin, RTLD_NOW | RTLD_LOCAL);
      ASSERT_NE(plugin, nullptr) << dlerror();
      auto* const use =
          reinterpret_cast<bool (*)(int*)>(dlsym(plugin, "plugin_use"));
      ASSERT_NE(use, nullptr) << dlerror();
      EXPECT_TRUE(use(&ended)) << "no key is left";
      EXPECT_EQ(dlclose(plugin), 0);
    }).join();
    ASSERT_EQ(ended, i + 1);
  }
}

}  // namespace

int main(int argc, char** argv) {
  ::testing::InitGoogleTest(&argc, argv);
  if (argc < 2) return EXIT_FAILURE;
  g_plugin = argv[1];
  return RUN_ALL_TESTS();
}
