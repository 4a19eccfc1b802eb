#!/usr/bin/env bash
# Copyright 2026 The le_messaging Authors
# SPDX-License-Identifier: Apache-2.0
#
# Builds and tests the project and examples/consumer with Bazel 7, with modules
# only and without a registry. Runs in a chroot of Debian sid, with sid's
# compiler and libraries. Needs root.
#
#   tools/ci/bazel7.sh              does what CI does
#   tools/ci/bazel7.sh COMMAND...   runs a command in the chroot, in the
#                                   checkout; there `bazel7` runs Bazel with
#                                   the flags for modules without a registry
#
# The chroot is made once, in the folder $LE_MESSAGING_CACHE. Exit status 75
# means that sid could not be installed now. This is not an error of the tree.
set -euo pipefail

readonly CANNOT_INSTALL=75
readonly MIRROR=http://deb.debian.org/debian
readonly PACKAGES=(bazel-bootstrap g++ googletest libabsl-dev libbenchmark-dev
  libprotobuf-dev libprotoc-dev pkg-config protobuf-compiler)
# Modules that MODULE.bazel and Bazel itself need from a registry, and that
# Debian's package of Bazel does not contain.
readonly MODULES=(abseil-cpp apple_support buildozer google_benchmark googletest
  protobuf rules_shell zlib)
readonly DEVELOPMENT_MODULES=(google_benchmark)
readonly OVERRIDES=/var/tmp/modules

self=$(readlink -f "${BASH_SOURCE[0]}")
checkout=$(cd "$(dirname "$self")/../.." && pwd)
chroot_dir=${LE_MESSAGING_CACHE:-/var/cache/le_messaging}/sid-chroot

# Runs this script in namespaces that end with their first process. So no mount
# and no process remains, even if the script is killed.
isolated() {
  unshare --mount --pid --fork --kill-child --propagation private \
    bash "$self" --in-namespace "$@"
}

mount_system() {
  mount -t proc proc "$chroot_dir/proc"
  mount --rbind /dev "$chroot_dir/dev"
  mount -t sysfs sysfs "$chroot_dir/sys"
}

# The caller uses this function as a condition. There `set -e` has no effect, so
# && chains the commands.
install_chroot() {
  local stamp=$chroot_dir/.complete
  [ "$(cat "$stamp" 2> /dev/null)" != "${PACKAGES[*]}" ] || return 0
  echo "bazel7.sh: installing Debian sid with Bazel 7 in $chroot_dir"
  "$checkout/tools/install_packages.sh" debootstrap &&
    rm -rf "$chroot_dir" && mkdir -p "$chroot_dir" &&
    debootstrap --variant=minbase sid "$chroot_dir" "$MIRROR" &&
    isolated install &&
    echo "${PACKAGES[*]}" > "$stamp"
}

# Runs Bazel 7 with modules only, and none of them from a registry. Canonical
# labels (@@protobuf~) are valid in a consumer's build and in ours.
bazel7() { # COMMAND ARGUMENT...
  local module flags=(--noenable_workspace --lockfile_mode=off --registry=file:///nonexistent
    --proto_compiler=@@protobuf~//:protoc --proto_toolchain_for_cc=@@protobuf~//:cc_toolchain
    --symlink_prefix=/ --noshow_progress)
  for module in "${MODULES[@]}"; do
    # Bazel refuses to override a module that no other module depends on. In a
    # consumer's build our development dependencies are such modules.
    if [[ " ${DEVELOPMENT_MODULES[*]} " != *" $module "* ]] || grep -q "\"$module\"" MODULE.bazel; then
      flags+=("--override_module=$module=$OVERRIDES/$module")
    fi
  done
  bazel --output_user_root=/var/tmp/bazel "$1" "${flags[@]}" "${@:2}"
}
if [ "${0##*/}" = bazel7 ]; then
  bazel7 "$@"
  exit
fi

# This part runs inside the namespaces.
if [ "${1-}" = --in-namespace ]; then
  shift
  mount_system
  case "$1" in
    install)
      # If the packages cannot be configured, a second try may succeed: sid's
      # packages sometimes do not state the order of their configuration.
      chroot "$chroot_dir" env DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8 sh -c "
        # A mirror may be some weeks old.
        apt-get -o Acquire::Check-Valid-Until=false update &&
        { apt-get install -y --no-install-recommends ${PACKAGES[*]} ||
          { dpkg --configure -a && apt-get install -y -f; }; } &&
        bazel --version"
      ;;
    run)
      shift
      mkdir -p "$chroot_dir/src"
      mount --bind "$checkout" "$chroot_dir/src"
      # A build must not write into the sources.
      mount -o remount,bind,ro "$chroot_dir/src"
      exec env -i HOME=/root PATH=/usr/local/bin:/usr/bin:/usr/sbin:/bin:/sbin LC_ALL=C.UTF-8 \
        TERM=dumb chroot "$chroot_dir" bash /src/tools/ci/bazel7.sh --in-chroot "$@"
      ;;
  esac
  exit
fi

# This part runs inside the chroot.
if [ "${1-}" = --in-chroot ]; then
  shift
  for module in "${MODULES[@]}"; do
    rm -rf "${OVERRIDES:?}/$module"
    mkdir -p "$OVERRIDES/$module"
    (cd "$OVERRIDES/$module" && bash /src/bazel/system_repo.sh "$module")
  done
  ln -sf /src/tools/ci/bazel7.sh /usr/local/bin/bazel7
  cd /src
  if [ $# -gt 0 ]; then
    exec "$@"
  fi
  set -x
  # These tests find most differences between compilers and between versions of
  # the libraries. To run all tests: tools/ci/bazel7.sh bazel7 test //...
  bazel7 build --nobuild //...
  bazel7 test --config=werror --keep_going //examples/... //services/{compatible,plugin}/... \
    //services/tests:{compatible,coroutine,golden,typed}_test //tests/{build,scenarios}/... //transports/...
  cd examples/consumer
  bazel7 test --keep_going //...
  exit
fi

if [ "$(id -u)" != 0 ]; then
  echo "bazel7.sh: needs root, for a chroot" >&2
  exit 1
fi
install_chroot || exit "$CANNOT_INSTALL"
isolated run "$@"
