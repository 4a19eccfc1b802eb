// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
#include "legato.h"
#include "word_count.h"

COMPONENT_INIT { wordCount_Serve(); }
