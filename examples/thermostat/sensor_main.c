/* Copyright 2026 The le_messaging Authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * sensor FILE
 */

#include "legato.h"
#include "sensor.h"

int main(int argc, char** argv) {
  if (argc != 2) return EXIT_FAILURE;
  StartSensor(argv[1]);
  le_event_RunLoop();
}
