#!/usr/bin/env bash
# Copyright 2026 The le_messaging Authors
# SPDX-License-Identifier: Apache-2.0
#
# Builds the Debian packages, checks them with lintian, and installs them into a
# Debian 12 that has a C compiler, CMake and Meson. There it builds and runs
# programs (programs_test.sh) with the installed directory. Needs root. CI runs
# this script.
#
# The Debian 12 is made once, in the folder $LE_MESSAGING_CACHE. Each run works
# in a copy, which a mount namespace hides. Exit status 75 means that Debian's
# archive does not answer. This is not an error of the tree.
set -euo pipefail

readonly CANNOT_INSTALL=75
readonly MIRROR=http://deb.debian.org/debian
readonly PACKAGES=(cmake gcc libc6-dev make meson pkg-config python3-prometheus-client)

self=$(readlink -f "${BASH_SOURCE[0]}")
checkout=$(cd "$(dirname "$self")/../.." && pwd)
base=${LE_MESSAGING_CACHE:-/var/cache/le_messaging}/bookworm-chroot

fail() { echo "FAILED: $*"; exit 1; }

# This part runs inside the chroot.
if [ "${1-}" = --in-chroot ]; then
  export DEBIAN_FRONTEND=noninteractive
  apt_install=(apt-get install --yes --quiet=2 --no-install-recommends /packages/*.deb)
  apt-get -o APT::Update::Error-Mode=any --quiet=2 update || exit "$CANNOT_INSTALL"
  "${apt_install[@]}" --simulate > /dev/null || fail "the packages cannot be installed"
  "${apt_install[@]}" --download-only || exit "$CANNOT_INSTALL"
  "${apt_install[@]}" > /install.log || { cat /install.log; fail "the installation"; }

  ! grep '_dh_action.*socket' /var/lib/dpkg/info/lemessaging-daemon.postinst || fail "an upgrade restarts the socket"

  # systemd would start the units. Here systemd-socket-activate passes the
  # socket. Another user runs the programs.
  useradd --create-home visitor
  cat > /etc/le_messaging/bindings.d/visitor.bindings << 'BINDINGS'
<visitor>.shoutInC -> <visitor>.shoutInC
<visitor>.facts -> <visitor>.fileFacts
BINDINGS
  mkdir -p /run/le_messaging
  read -ra command < <(sed -n 's/^ExecStart=//p' /lib/systemd/system/directoryd.service)
  systemd-socket-activate --seqpacket --listen=/run/le_messaging/directory \
    setpriv --reuid=directoryd --regid=directoryd --clear-groups "${command[@]}" 2> /directory.log &
  directory=$!
  until [ -S /run/le_messaging/directory ]; do
    kill -0 "$directory" || { cat /directory.log; fail "systemd-socket-activate"; }
  done
  chmod 666 /run/le_messaging/directory
  install -d -o visitor /work
  setpriv --reuid=visitor --regid=visitor --clear-groups env HOME=/home/visitor LC_ALL=C.UTF-8 \
    bash /src/tools/packaging/programs_test.sh /work || { cat /directory.log; exit 1; }
  python3 -c 'import lemessaging' || fail "the Python package"
  sdir list > /list || fail "sdir list"
  grep -q '<visitor>.facts' /list || { cat /list; fail "the output of sdir list"; }
  sdir metrics | python3 -c '
import sys
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse
families = list(parse(sys.stdin.read()))
assert any(family.name == "le_messaging_introductions" for family in families)' ||
    fail "another parser cannot read the output of sdir metrics"
  grep -q "^Uid:.$(id -u directoryd)\b" "/proc/$directory/status" || fail "the user of directoryd"

  apt-get purge --yes --quiet=2 '*lemessaging*' > /purge.log || { cat /purge.log; fail "the removal"; }
  [ -e /etc/le_messaging/bindings.d/visitor.bindings ] || fail "the removal has deleted a bindings file"
  exit
fi

# This part runs inside the namespaces.
if [ "${1-}" = --in-namespace ]; then
  work=$3
  mount -t tmpfs tmpfs "$work"
  mkdir "$work"/{upper,work,root}
  mount -t overlay overlay -o "lowerdir=$base,upperdir=$work/upper,workdir=$work/work" "$work/root"
  root=$work/root
  mount -t proc proc "$root/proc"
  mount --rbind /dev "$root/dev"
  mount -t sysfs sysfs "$root/sys"
  mkdir "$root/src" "$root/packages"
  mount --bind -o ro "$checkout" "$root/src"
  cp "$2"/*.deb "$root/packages"
  exec env -i HOME=/root PATH=/usr/local/bin:/usr/bin:/usr/sbin:/bin:/sbin LC_ALL=C.UTF-8 TERM=dumb \
    chroot "$root" bash /src/tools/packaging/debian_test.sh --in-chroot
fi

make_base() {
  local stamp=$base/.complete
  [ "$(cat "$stamp" 2> /dev/null)" != "${PACKAGES[*]}" ] || return 0
  echo "debian_test.sh: installing Debian 12 in $base"
  rm -rf "$base" && mkdir -p "$base" &&
    debootstrap --variant=minbase bookworm "$base" "$MIRROR" &&
    chroot "$base" env DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8 \
      apt-get install --yes --no-install-recommends "${PACKAGES[@]}" &&
    chroot "$base" apt-get clean &&
    echo "${PACKAGES[*]}" > "$stamp"
}

[ "$(id -u)" = 0 ] || { echo "debian_test.sh: needs root, for a chroot" >&2; exit 1; }
"$checkout/tools/install_packages.sh" debhelper debootstrap lintian || exit "$CANNOT_INSTALL"
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
mkdir "$folder"/{packages,chroot}
# Without optimization, this build uses most results of installed_test.sh again.
export DEB_BUILD_OPTIONS=noopt
"$checkout/tools/packaging/debian_packages.sh" "$folder/packages" > "$folder/log" 2>&1 ||
  { cat "$folder/log"; fail "debian_packages.sh"; }
lintian --fail-on error,warning --tag-display-limit=0 "$folder"/packages/*.changes || fail "lintian"
make_base || exit "$CANNOT_INSTALL"
# The namespaces end with their first process. So no mount and no process
# remains, even if this script is killed.
unshare --mount --pid --fork --kill-child --propagation private \
  bash "$self" --in-namespace "$folder/packages" "$folder/chroot"
echo "the Debian packages work"
