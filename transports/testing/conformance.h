// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// Tests of the rules that every transport must obey. A test that runs them for
// a transport looks like this:
//
//   class MyFixture : public ConformanceFixture {
//     Transport* transport() override { ... }
//     std::string NewAddress() override { ... }
//   };
//   INSTANTIATE_TEST_SUITE_P(My, TransportConformanceTest,
//       ::testing::Values(+[] { return NewFixture<MyFixture>(); }));
//
// Link it with //transports/testing:conformance.

#ifndef LE_MESSAGING_TRANSPORTS_TESTING_CONFORMANCE_H_
#define LE_MESSAGING_TRANSPORTS_TESTING_CONFORMANCE_H_

#if __cplusplus < 201703L
#error "le_messaging needs C++17: --cxxopt=-std=c++17 (README.md, Depend on it)"
#endif

#include <memory>
#include <string>

#include "gtest/gtest.h"
#include "transports/transport.h"

namespace le {
namespace transports {

class ConformanceFixture {
 public:
  virtual ~ConformanceFixture() = default;
  // Returns the transport of the calling process.
  virtual Transport* transport() = 0;
  // Returns an address that is not in use.
  virtual std::string NewAddress() = 0;
  // Whether the calling process is simulated. If so, some checks are skipped,
  // because a simulated process dies in another way, and the operating system
  // does not list its threads.
  virtual bool simulated() { return false; }
  // Returns an address that is not valid. "" is not valid for any transport.
  virtual std::string ImpossibleAddress() { return ""; }
};

using FixtureFactory = std::unique_ptr<ConformanceFixture> (*)();

template <typename Fixture>
std::unique_ptr<ConformanceFixture> NewFixture() {
  return std::make_unique<Fixture>();
}

class TransportConformanceTest
    : public ::testing::TestWithParam<FixtureFactory> {};

}  // namespace transports
}  // namespace le

#endif  // LE_MESSAGING_TRANSPORTS_TESTING_CONFORMANCE_H_
