// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// A typed service that counts words.
#ifndef CONSUMER_WORD_COUNTER_H_
#define CONSUMER_WORD_COUNTER_H_

#include <sstream>
#include <string>
#include <utility>

#include "word_counter.le.h"

namespace consumer {

class WordCounter final : public WordCounterService {
  void Count(const Text& request, le::Reply<Words> reply) override {
    std::istringstream text(request.text());
    for (std::string word; text >> word;) reply->set_words(reply->words() + 1);
    std::move(reply).Send();
  }
};

}  // namespace consumer

#endif  // CONSUMER_WORD_COUNTER_H_
