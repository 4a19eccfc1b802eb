#!/usr/bin/env bash
# Copyright 2026 The le_messaging Authors
# SPDX-License-Identifier: Apache-2.0
#
# Builds the Debian packages of this checkout:
#
#   tools/packaging/debian_packages.sh FOLDER   writes the packages into FOLDER
#
# With DEB_BUILD_OPTIONS=noopt in the environment the programs are not
# optimized. Installs the packages that the build needs.
set -euo pipefail

[ $# = 1 ] || { sed -n '5,10s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2; exit 2; }
folder=$(mkdir -p "$1" && cd "$1" && pwd)
checkout=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
debian=$checkout/tools/packaging/debian
mapfile -t build_depends < <(sed -n '/^Build-Depends:/,/^Standards/s/^.* \([a-z0-9+-]*\),*$/\1/p' "$debian/control" | grep -v '^dh-')
"$checkout/tools/install_packages.sh" debhelper dh-python "${build_depends[@]}"

# dpkg-buildpackage needs debian/ at the top of the source tree. It writes into
# debian/ and beside the source tree. All other files are links, so that Bazel
# builds in the checkout.
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/lemessaging"
ln -s "$checkout"/* "$work/lemessaging"
cp -r "$debian" "$work/lemessaging"
cd "$work/lemessaging"
LE_MESSAGING_HOME=$HOME dpkg-buildpackage --build=binary --no-sign
cp "$work"/*.{deb,changes,buildinfo} "$folder"
