/* Copyright 2026 The le_messaging Authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Arguments, UTF-8, and the clock.
 */

#include <limits.h>
#include <string.h>

#include "le_args.h"
#include "le_basics.h"
#include "le_clock.h"
#include "le_test.h"
#include "le_utf8.h"
#include "legato/c99_test.h"

/* ---- le_args ---- */

static int Flags, IntSum, Positions;
static le_result_t Errors[16];
static size_t NumErrors;
static char Texts[64];
static void OnFlag(void) { ++Flags; }
static void OnInt(int value) { IntSum += value; }
static void OnText(const char* value) { strcat(Texts, value); }
static void OnPosition(const char* value) {
  Positions = Positions * 10 + (value[0] - '0');
}
static size_t OnError(size_t index, le_result_t error) {
  LE_UNUSED(index);
  if (NumErrors < NUM_ARRAY_MEMBERS(Errors)) Errors[NumErrors++] = error;
  return 0;
}

/* Returns whether the last scan had these errors. */
static bool HadErrors(const le_result_t* errors, size_t num) {
  return NumErrors == num && memcmp(Errors, errors, num * sizeof(*errors)) == 0;
}

static void OnMore(void) {
  int i;
  for (i = 0; i < 16; ++i) le_arg_SetIntCallback(OnInt, "n", NULL);
  le_arg_SetFlagCallback(OnMore, "more", NULL);
}

void TestArgumentsThatRegister(void) {
  const char* argv[] = {"tool", "-more", "-n", "1", "-more", "-n", "10"};
  IntSum = Flags = 0;
  le_arg_SetArgs(NUM_ARRAY_MEMBERS(argv), argv);
  le_arg_SetFlagCallback(OnMore, "more", NULL);
  le_arg_SetFlagCallback(OnFlag, "more", NULL);
  le_arg_Scan();
  /* The first "-more" has called OnMore() once, and the second has called it
   * twice. Each call registers 16 more callbacks for "-n". */
  LE_TEST_OK(
      le_arg_GetScanResult() == LE_OK && IntSum == 16 + 480 && Flags == 2,
      "a callback registers more callbacks");
}

void TestNegativeNumbers(void) {
  const char* argv[] = {"tool", "-5", "-0.5", "-7", "-n", "-3"};
  const char* wrong[] = {"tool", "-5x", "-inf", "-."};
  bool seven = false;
  const le_result_t errors[] = {LE_BAD_PARAMETER, LE_BAD_PARAMETER,
                                LE_BAD_PARAMETER};
  IntSum = 0;
  NumErrors = 0;
  Texts[0] = '\0';
  le_arg_SetArgs(NUM_ARRAY_MEMBERS(argv), argv);
  le_arg_SetFlagVar(&seven, "7", NULL);
  le_arg_SetIntCallback(OnInt, "n", NULL);
  le_arg_AddPositionalCallback(OnText);
  le_arg_AllowMorePositionalArgsThanCallbacks();
  le_arg_Scan();
  LE_TEST_OK(le_arg_GetScanResult() == LE_OK && seven && IntSum == -3 &&
                 strcmp(Texts, "-5-0.5") == 0,
             "negative numbers are positional");
  le_arg_SetArgs(NUM_ARRAY_MEMBERS(wrong), wrong);
  le_arg_SetErrorHandler(OnError);
  le_arg_AddPositionalCallback(OnText);
  le_arg_AllowLessPositionalArgsThanCallbacks();
  le_arg_Scan();
  LE_TEST_OK(HadErrors(errors, NUM_ARRAY_MEMBERS(errors)),
             "other texts are not numbers");
  le_arg_SetErrorHandler(NULL);
}

void TestArguments(void) {
  const char* argv[] = {"/bin/tool", "--count=7", "-c", "8",  "1",
                        "--name=",   "2",         "--", "-f", "-3"};
  const char* wrong[] = {"tool", "--what", "--flag=1",    "-c",
                         "x",    "-c",     "99999999999", "-c"};
  const le_result_t errors[] = {
      LE_BAD_PARAMETER, LE_UNSUPPORTED, LE_FORMAT_ERROR, LE_OVERFLOW,
      LE_OUT_OF_RANGE,  LE_OVERFLOW,    LE_NOT_FOUND};
  bool flag = false;
  int count = 0;
  const char* name = NULL;
  le_arg_SetArgs(NUM_ARRAY_MEMBERS(argv), argv);
  LE_TEST_OK(strcmp(le_arg_GetProgramName(), "tool") == 0, "program");
  LE_TEST_OK(le_arg_NumArgs() == 9 && le_arg_GetArg(3) == argv[4] &&
                 le_arg_GetArg(9) == NULL,
             "arguments");
  LE_TEST_OK(le_arg_GetFlagOption("f", "flag") == LE_OK &&
                 le_arg_GetFlagOption("g", NULL) == LE_NOT_FOUND &&
                 le_arg_GetFlagOption(NULL, "count") == LE_FORMAT_ERROR,
             "a flag");
  LE_TEST_OK(le_arg_GetIntOption(&count, "c", "count") == LE_OK && count == 7,
             "a number");
  LE_TEST_OK(le_arg_GetIntOption(&count, NULL, "name") == LE_FORMAT_ERROR,
             "not a number");
  LE_TEST_OK(le_arg_GetStringOption(&name, NULL, "name") == LE_OK &&
                 strcmp(name, "") == 0,
             "an empty text");
  le_arg_SetFlagVar(&flag, "f", "flag");
  le_arg_SetFlagCallback(OnFlag, "f", "flag");
  le_arg_SetIntVar(&count, "c", "count");
  le_arg_SetIntCallback(OnInt, "c", "count");
  le_arg_SetStringVar(&name, NULL, "name");
  le_arg_SetStringCallback(OnText, NULL, "name");
  le_arg_AddPositionalCallback(OnPosition);
  le_arg_AddPositionalCallback(OnText);
  le_arg_AllowMorePositionalArgsThanCallbacks();
  le_arg_Scan();
  LE_TEST_OK(le_arg_GetScanResult() == LE_OK && flag && Flags == 1 &&
                 count == 8 && IntSum == 15 && Positions == 1 &&
                 strcmp(Texts, "2---3") == 0,
             "scanned");

  le_arg_SetArgs(NUM_ARRAY_MEMBERS(wrong), wrong);
  le_arg_SetErrorHandler(OnError);
  le_arg_SetExitOnError(false);
  NumErrors = 0;
  le_arg_SetFlagVar(&flag, NULL, "flag");
  le_arg_SetIntVar(&count, "c", NULL);
  le_arg_AllowLessPositionalArgsThanCallbacks();
  le_arg_Scan();
  LE_TEST_OK(le_arg_GetScanResult() == LE_BAD_PARAMETER &&
                 HadErrors(errors, NUM_ARRAY_MEMBERS(errors)),
             "each error is reported");
  le_arg_SetErrorHandler(NULL);
}

/* ---- le_utf8 ---- */

void TestUtf8(void) {
  static const char text[] = "a\xc3\xa4\xe2\x82\xac"; /* 1, 2 and 3 bytes */
  char buffer[8];
  size_t size = 0;
  int number = 0;
  LE_TEST_OK(le_utf8_NumChars(text) == 3 && le_utf8_NumBytes(text) == 6,
             "lengths");
  LE_TEST_OK(le_utf8_NumChars("\xc3") == LE_FORMAT_ERROR &&
                 !le_utf8_IsFormatCorrect("\x80") &&
                 le_utf8_IsFormatCorrect(text),
             "format");
  LE_TEST_OK(le_utf8_NumChars(NULL) == 0 && le_utf8_NumBytes(NULL) == 0 &&
                 !le_utf8_IsFormatCorrect(NULL) && le_utf8_IsFormatCorrect(""),
             "NULL");
  LE_TEST_OK(le_utf8_NumBytesInChar('a') == 1 &&
                 le_utf8_NumBytesInChar(text[3]) == 3 &&
                 le_utf8_NumBytesInChar(text[2]) == 0 &&
                 le_utf8_IsContinuationByte(text[2]),
             "bytes");
  LE_TEST_OK(le_utf8_Copy(buffer, text, sizeof(buffer), &size) == LE_OK &&
                 size == 6 && strcmp(buffer, text) == 0,
             "copied");
  LE_TEST_OK(le_utf8_Copy(buffer, text, 6, &size) == LE_OVERFLOW && size == 3,
             "only whole characters");
  LE_TEST_OK(le_utf8_Append(buffer, "bcde", sizeof(buffer), &size) == LE_OK &&
                 size == 7,
             "appended");
  LE_TEST_OK(le_utf8_Append(buffer, "f", sizeof(buffer), NULL) == LE_OVERFLOW,
             "the buffer is full");
  LE_TEST_OK(le_utf8_CopyUpToSubStr(buffer, "key=value", "=", sizeof(buffer),
                                    NULL) == LE_OK &&
                 strcmp(buffer, "key") == 0,
             "copied up to the substring");
  LE_TEST_OK(le_utf8_ParseInt(&number, "-12") == LE_OK && number == -12 &&
                 le_utf8_ParseInt(&number, "0x1F") == LE_OK && number == 31 &&
                 le_utf8_ParseInt(&number, "010") == LE_OK && number == 8 &&
                 le_utf8_ParseInt(&number, "\t +7") == LE_OK && number == 7 &&
                 le_utf8_ParseInt(&number, "7 ") == LE_FORMAT_ERROR &&
                 le_utf8_ParseInt(&number, " ") == LE_FORMAT_ERROR &&
                 le_utf8_ParseInt(&number, "-") == LE_FORMAT_ERROR &&
                 le_utf8_ParseInt(&number, "1x") == LE_FORMAT_ERROR &&
                 le_utf8_ParseInt(&number, "") == LE_FORMAT_ERROR &&
                 le_utf8_ParseInt(&number, "2147483648") == LE_OUT_OF_RANGE,
             "numbers");
}

/* Encodes the code point and decodes it again. Returns the number of bytes. 0:
 * a result is wrong. */
static size_t BytesOf(uint32_t codePoint) {
  char buffer[4];
  size_t size = sizeof(buffer);
  size_t read;
  uint32_t back = 0;
  if (le_utf8_EncodeUnicodeCodePoint(codePoint, buffer, &size) != LE_OK) {
    return 0;
  }
  read = sizeof(buffer);
  if (le_utf8_DecodeUnicodeCodePoint(buffer, &read, &back) != LE_OK ||
      read != size || back != codePoint) {
    return 0;
  }
  read = size - 1;
  if (size > 1 &&
      (le_utf8_DecodeUnicodeCodePoint(buffer, &read, &back) != LE_UNDERFLOW ||
       read != size)) {
    return 0;
  }
  read = size - 1;
  if (le_utf8_EncodeUnicodeCodePoint(codePoint, buffer, &read) != LE_OVERFLOW ||
      read != size) {
    return 0;
  }
  return size;
}

static le_result_t Decode(const char* text) {
  size_t size = strlen(text);
  uint32_t codePoint;
  return le_utf8_DecodeUnicodeCodePoint(text, &size, &codePoint);
}

void TestCodePoints(void) {
  char buffer[4];
  size_t size = sizeof(buffer);
  LE_TEST_OK(BytesOf(0) == 1 && BytesOf(0x7F) == 1 && BytesOf(0x80) == 2 &&
                 BytesOf(0x7FF) == 2 && BytesOf(0x800) == 3 &&
                 BytesOf(0xFFFF) == 3 && BytesOf(0x10000) == 4 &&
                 BytesOf(0x10FFFF) == 4,
             "code points");
  LE_TEST_OK(le_utf8_EncodeUnicodeCodePoint(0x20AC, buffer, &size) == LE_OK &&
                 size == 3 && memcmp(buffer, "\xE2\x82\xAC", 3) == 0,
             "encoded");
  LE_TEST_OK(le_utf8_EncodeUnicodeCodePoint(0x110000, buffer, &size) ==
                 LE_OUT_OF_RANGE,
             "not a code point");
  LE_TEST_OK(Decode("") == LE_BAD_PARAMETER &&
                 Decode("\x80") == LE_FORMAT_ERROR &&
                 Decode("\xC3(") == LE_FORMAT_ERROR &&
                 Decode("\xE2(") == LE_FORMAT_ERROR &&
                 Decode("\xC1\xBF") == LE_FORMAT_ERROR &&
                 Decode("\xE0\x9F\xBF") == LE_FORMAT_ERROR &&
                 Decode("\xF0\x8F\xBF\xBF") == LE_FORMAT_ERROR &&
                 Decode("\xF4\x90\x80\x80") == LE_FORMAT_ERROR &&
                 Decode("\xF8\x88\x80\x80") == LE_FORMAT_ERROR,
             "not UTF-8");
}

/* ---- le_clk ---- */

void TestTimes(void) {
  const le_clk_Time_t half = {1, 500000};
  const le_clk_Time_t zero = {0, 0};
  const le_clk_Time_t thousandth = {0, 1234};
  const le_clk_Time_t most = {
      (time_t)(UINT64_MAX >> (65 - CHAR_BIT * sizeof(time_t))), 0};
  le_clk_Time_t time = le_clk_Add(half, half);
  char text[32];
  size_t size = 0;
  LE_TEST_OK(time.sec == 3 && time.usec == 0, "sum");
  time = le_clk_Sub(zero, half);
  LE_TEST_OK(time.sec == -2 && time.usec == 500000, "difference");
  time = le_clk_Multiply(half, 3);
  LE_TEST_OK(time.sec == 4 && time.usec == 500000, "product");
  LE_TEST_OK(le_clk_GreaterThan(half, zero) &&
                 !le_clk_GreaterThan(half, half) && le_clk_Equal(half, half),
             "compared");
  time = le_clk_Add(most, half);
  LE_TEST_OK(time.sec == most.sec && time.usec == 999999, "the largest sum");
  time = le_clk_Sub(most, le_clk_Multiply(half, -1));
  LE_TEST_OK(time.sec == most.sec && time.usec == 999999,
             "the largest difference");
  time = le_clk_Multiply(most, -2);
  LE_TEST_OK(time.sec == -most.sec - 1 && time.usec == 0,
             "the smallest product");
  LE_TEST_OK(le_clk_ConvertToUTCString(most, "%Y", text, sizeof(text), &size) ==
                     LE_OUT_OF_RANGE &&
                 size == 0 && text[0] == '\0',
             "a year that is too large");
  time = le_clk_GetRelativeTime();
  LE_TEST_OK(!le_clk_GreaterThan(time, le_clk_GetRelativeTime()), "relative");
  LE_TEST_OK(le_clk_GreaterThan(le_clk_GetAbsoluteTime(), half), "absolute");
  LE_TEST_OK(le_clk_ConvertToUTCString(half, "%Y-%m-%d %H:%M:%S", text,
                                       sizeof(text), &size) == LE_OK &&
                 size == 19 && strcmp(text, "1970-01-01 00:00:01") == 0,
             "UTC");
  LE_TEST_OK(
      le_clk_ConvertToUTCString(le_clk_Sub(half, thousandth), "%S.%J %K %%J%",
                                text, sizeof(text), NULL) == LE_OK &&
          strcmp(text, "01.498 498766 %J%") == 0,
      "milliseconds and microseconds");
  LE_TEST_OK(le_clk_ConvertToUTCString(thousandth, "%J%K", text, sizeof(text),
                                       NULL) == LE_OK &&
                 strcmp(text, "001001234") == 0,
             "with leading zeros");
  LE_TEST_OK(le_clk_ConvertToLocalTimeString(half, "%Y", text, 4, &size) ==
                     LE_OVERFLOW &&
                 size == 0,
             "the buffer is too small");
  LE_TEST_OK(
      le_clk_GetUTCDateTimeString("", text, 1, &size) == LE_OK && size == 0,
      "an empty format");
  LE_TEST_OK(le_clk_GetLocalDateTimeString("%%x", text, sizeof(text), &size) ==
                     LE_OK &&
                 size == 2 && strcmp(text, "%x") == 0,
             "local");
  LE_TEST_OK(le_clk_ConvertToUTCString(
                 half, LE_CLK_STRING_FORMAT_DATE " " LE_CLK_STRING_FORMAT_TIME,
                 text, sizeof(text), NULL) == LE_OK &&
                 strcmp(text, "01/01/70 00:00:01") == 0,
             "a date and a time");
  LE_TEST_OK(le_clk_ConvertToUTCString(half, LE_CLK_STRING_FORMAT_DATE_TIME,
                                       text, sizeof(text), NULL) == LE_OK &&
                 strcmp(text, "Thu Jan  1 00:00:01 1970") == 0,
             "a date with its time");
}
