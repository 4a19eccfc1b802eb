/* Copyright 2026 The le_messaging Authors
 * SPDX-License-Identifier: Apache-2.0
 */

#include "sensor.h"

#include "legato.h"

static const char* FileName;

/* Fills in the response. False: there is no temperature. */
static bool Measure(le_msg_MessageRef_t msg) {
  Sensor_Message_t* message = le_msg_GetPayloadPtr(msg);
  char text[32] = "";
  char* end = text;
  const int fd = open(FileName, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return false;
  if (pread(fd, text, sizeof(text) - 1, 0) > 0) {
    message->temperature = (int32_t)strtol(text, &end, 10);
  }
  if (end != text && message->wantsFile != 0) {
    le_msg_SetFd(msg, fd); /* now the message owns fd */
  } else {
    close(fd);
  }
  return end != text;
}

static void OnMessage(le_msg_MessageRef_t msg, void* context) {
  (void)context;
  if (le_msg_NeedsResponse(msg) && Measure(msg)) {
    le_msg_Respond(msg);
  } else {
    le_msg_ReleaseMsg(msg); /* no response: the client's request fails */
  }
}

void StartSensor(const char* fileName) {
  FileName = fileName;
  le_msg_ServiceRef_t service = le_msg_CreateService(
      le_msg_GetProtocolRef(SENSOR_PROTOCOL, sizeof(Sensor_Message_t)),
      "sensor");
  le_msg_SetServiceRecvHandler(service, OnMessage, NULL);
  le_msg_AdvertiseService(service);
}
