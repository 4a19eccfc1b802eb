// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0

#include "directory/directoryd.h"
#include "directory/users.h"

int main(int argc, char** argv) {
  le::directory::OsUsers users;
  return le::directory::RunDirectoryd(&users, argc, argv);
}
