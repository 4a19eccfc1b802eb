/* Copyright 2026 The le_messaging Authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * le_print.h: values as log lines at debug level.
 */

#ifndef LE_PRINT_H_INCLUDE_GUARD
#define LE_PRINT_H_INCLUDE_GUARD

#include "le_basics.h"
#include "le_log.h"

/* Logs one line NAME=VALUE. NAME is the text of `value`, with its macros
 * expanded. The printf() format of the value must be a string literal. */
#define LE_PRINT_VALUE(format, value) \
  LE_DEBUG("%s=" format, STRINGIZE(value), (value))
/* As LE_PRINT_VALUE, if the condition is true. */
#define LE_PRINT_VALUE_IF(condition, format, value) \
  {                                                 \
    if (condition) LE_PRINT_VALUE(format, value);   \
  }
/* Logs a line with the text of `array`, with its macros expanded. Then logs one
 * line for each of the first `size` members. */
#define LE_PRINT_ARRAY(format, size, array)                                \
  {                                                                        \
    size_t lePrintAt_;                                                     \
    LE_DEBUG("%s", STRINGIZE(array));                                      \
    for (lePrintAt_ = 0; lePrintAt_ < (size_t)(size); ++lePrintAt_) {      \
      LE_DEBUG("\t%s[%" PRIuS "]=" format, STRINGIZE(array), lePrintAt_,   \
                                                     (array)[lePrintAt_]); \
    }                                                                      \
  }

#endif /* LE_PRINT_H_INCLUDE_GUARD */
