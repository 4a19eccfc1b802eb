/* Copyright 2026 The le_messaging Authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * The parts of the program c99_test, in the order of their calls.
 */

#ifndef LE_MESSAGING_LEGATO_C99_TEST_H_
#define LE_MESSAGING_LEGATO_C99_TEST_H_

/* pack_c99_test.c */
void TestPackValues(void);
void TestPackSizes(void);
void TestPackTuplesAndReferences(void);
void TestPackStrings(void);
void TestPackArrays(void);

/* containers_c99_test.c */
void TestSafeReferences(void);
void TestLists(void);
void TestSingleLists(void);
void TestHashMaps(void);

/* memory_c99_test.c */
void TestMemory(void);
void TestSubPools(void);
void TestLargerPools(void);

/* threads_c99_test.c */
void TestMutexes(void);
void TestThreads(void);
void TestSemaphores(void);
void TestRunningThreads(void);

/* loop_c99_test.c */
void TestEvents(void);
void TestSignalHandlers(void);
void TestMonitors(void);
void TestTimers(void);

/* text_c99_test.c */
void TestArguments(void);
void TestArgumentsThatRegister(void);
void TestNegativeNumbers(void);
void TestUtf8(void);
void TestCodePoints(void);
void TestTimes(void);

#endif /* LE_MESSAGING_LEGATO_C99_TEST_H_ */
