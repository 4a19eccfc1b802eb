/* Copyright 2026 The le_messaging Authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * The sensor's protocol: a plain structure in each direction. The controller
 * requests a temperature, and optionally the sensor's file.
 */

#ifndef EXAMPLES_THERMOSTAT_SENSOR_H_
#define EXAMPLES_THERMOSTAT_SENSOR_H_

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define SENSOR_PROTOCOL "thermostat.Sensor/1"

typedef struct {
  int32_t wantsFile;   /* in a request. Not 0: the response has the file */
  int32_t temperature; /* in a response: thousandths of a degree Celsius */
} Sensor_Message_t;

/* Offers the service "sensor", whose handler runs on the calling thread's loop.
 * The file contains a temperature, as /sys/class/thermal/thermal_zone0/temp
 * does. `fileName` must stay valid. */
void StartSensor(const char* fileName);

#ifdef __cplusplus
}
#endif

#endif /* EXAMPLES_THERMOSTAT_SENSOR_H_ */
