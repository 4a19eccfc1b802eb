#!/usr/bin/env bash
# Copyright 2026 The le_messaging Authors
# SPDX-License-Identifier: Apache-2.0
#
# Installs those of the given Debian packages that this machine lacks:
#
#   install_packages.sh [--print] PACKAGE...
#
# Names the missing packages, and installs them. If the installation fails,
# prints the command, so that the user or root can run the command. With --print
# the script installs nothing, and only prints the command.
set -euo pipefail

print=false
if [ "${1-}" = --print ]; then
  print=true
  shift
fi

find_missing() {
  local installed package
  installed=$(dpkg-query --show --showformat='${db:Status-Status} ${Package}\n' "$@" 2> /dev/null || true)
  for package in "$@"; do
    grep -qx "installed $package" <<< "$installed" || echo "$package"
  done
}

mapfile -t missing < <(find_missing "$@")
if [ ${#missing[@]} = 0 ]; then
  exit
fi

sudo=() can_be_root=true
if [ "$(id -u)" != 0 ]; then
  if command -v sudo > /dev/null; then sudo=(sudo); else can_be_root=false; fi
fi
command="${sudo[*]} apt-get update; ${sudo[*]} apt-get install -y --no-install-recommends ${missing[*]}"
command=${command//  / }
command=${command# }
if $print; then
  echo "$command"
  exit
fi

install() {
  if ! command -v apt-get > /dev/null; then
    echo "le_messaging: this machine has no apt-get." >&2
    return 1
  fi
  if ! $can_be_root; then
    echo "le_messaging: only root can install, and this machine has no sudo." >&2
    return 1
  fi
  printf 'le_messaging: installing:\n    %s\n' "$command"
  # Without a terminal nobody can enter a password, so sudo must fail and not
  # wait for it.
  [ ${#sudo[@]} = 0 ] || [ -t 0 ] || sudo+=(-n)
  # A failure is ignored: the packages may come from another repository than the
  # one that failed.
  "${sudo[@]}" apt-get update || true
  "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive \
    apt-get install -y --no-install-recommends "${missing[@]}" < /dev/null
}

echo "le_messaging: this machine lacks ${missing[*]}" >&2
if ! install >&2; then
  if $can_be_root; then as_root=''; else as_root=' as root'; fi
  printf 'le_messaging: could not install. On Debian 12, run this%s and try again:\n    %s\n' "$as_root" "$command" >&2
  exit 1
fi
