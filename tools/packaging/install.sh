#!/usr/bin/env bash
# Copyright 2026 The le_messaging Authors
# SPDX-License-Identifier: Apache-2.0
#
# Builds and installs le_messaging for programs that are not built by Bazel: the
# shared library, the headers, protoc-gen-le, the Python package, directoryd and
# sdir.
#
#   tools/packaging/install.sh [OPTION]... [-- BAZEL-OPTION...]
#
#   --prefix=DIR   default: /usr/local
#   --libdir=DIR   below the prefix. Default: lib
#   --destdir=DIR  writes the files below DIR, for a package. Paths in the files
#                  do not contain DIR
#   --pythondir=DIR  below the prefix. Default: where Debian's python3 looks, if
#                  the prefix is /usr or /usr/local
#
# Needs the Debian packages that bazelw installs. A machine that only runs the
# library needs two packages: libabsl20220623 and libprotobuf-lite32.
set -euo pipefail

prefix=/usr/local libdir=lib destdir='' pythondir=''
options=(--config=shared --compilation_mode=opt)
while [ $# -gt 0 ]; do
  argument=$1
  shift
  case "$argument" in
    --prefix=*) prefix=${argument#*=} ;;
    --libdir=*) libdir=${argument#*=} ;;
    --pythondir=*) pythondir=${argument#*=} ;;
    --destdir=*) destdir=${argument#*=} ;;
    --) options+=("$@"); break ;;
    *) sed -n '5,20s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2; exit 2 ;;
  esac
done
if [ -z "$pythondir" ]; then
  pythondir=lib/python3/dist-packages
  [ "$prefix" != /usr/local ] || pythondir=$(python3 -c 'import sys; print("lib/python%d.%d/dist-packages" % sys.version_info[:2])')
fi
[[ $prefix = /* ]] || { echo "install.sh: --prefix=$prefix is not absolute" >&2; exit 2; }

# The real folder, so that builds through a link share the output of Bazel.
cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/../.."
readonly TARGETS=(//directory:directoryd //tools/sdir //services/plugin:protoc-gen-le
  //tools/packaging:liblemessaging.so.0)
./bazelw build "${options[@]}" "${TARGETS[@]}"
bin=$(./bazelw info "${options[@]}" bazel-bin 2> /dev/null)
version=$(sed -n 's/^ *version = "\(.*\)",$/\1/p' MODULE.bazel | head -n 1)

# put MODE FILE TO: installs FILE as TO, below the prefix. put_text MODE TO
# installs standard input.
put() { install -D -m "$1" "${@:2:$#-2}" "$destdir$prefix/${*: -1}"; }
put_text() { put "$1" /dev/stdin "$2"; }

put 755 "$bin/directory/directoryd" sbin/directoryd
put 755 "$bin/tools/sdir/sdir" bin/sdir
put 755 "$bin/services/plugin/protoc-gen-le" bin/protoc-gen-le
put 644 "$bin/tools/packaging/liblemessaging.so.0" "$libdir/liblemessaging.so.0"
strip --strip-unneeded "$destdir$prefix"/{sbin/directoryd,bin/sdir,bin/protoc-gen-le,"$libdir/liblemessaging.so.0"}
ln -sf liblemessaging.so.0 "$destdir$prefix/$libdir/liblemessaging.so"

# le_messaging_loopback.h is for programs that link the loopback transport.
for header in legato/include/*.h messaging/include/{le_messaging,le_messaging_ext,legato}.h; do
  put 644 "$header" "include/lemessaging/${header##*/}"
done
for folder in messaging/cpp/include services/include services/proto; do
  (cd "$folder" && find le -name '*.h' -o -name '*.proto') | while read -r file; do
    put 644 "$folder/$file" "include/lemessaging/$file"
  done
done

for file in messaging/python/lemessaging/*.py; do
  put 644 "$file" "$pythondir/lemessaging/${file##*/}"
done

units=tools/packaging/systemd
sed "s|^ExecStart=/usr/|ExecStart=$prefix/|" "$units/directoryd.service" | put_text 644 lib/systemd/system/directoryd.service
put 644 "$units/directoryd.socket" lib/systemd/system/directoryd.socket
put 644 "$units/directoryd.sysusers" lib/sysusers.d/directoryd.conf
put 644 tools/wireshark/le_messaging.lua share/lemessaging/le_messaging.lua

for program in sdir directoryd; do
  case "$program" in
    sdir) help=("$bin/tools/sdir/sdir" help) page=man1/sdir.1 ;;
    directoryd) help=("$bin/directory/directoryd" --help_as) page=man8/directoryd.8 ;;
  esac
  "${help[@]}" man | put_text 644 "share/man/$page"
  "${help[@]}" bash | put_text 644 "share/bash-completion/completions/$program"
  "${help[@]}" zsh | put_text 644 "share/zsh/site-functions/_$program"
  "${help[@]}" fish | put_text 644 "share/fish/vendor_completions.d/$program.fish"
done
for page in tools/packaging/man/*; do
  put 644 "$page" "share/man/man${page##*.}/${page##*/}"
done

put_text 644 "$libdir/pkgconfig/lemessaging.pc" << PC
prefix=$prefix
libdir=\${prefix}/$libdir
includedir=\${prefix}/include/lemessaging

Name: lemessaging
Description: Local inter-process messaging, with the C API of Legato's le_messaging.h
Version: $version
Libs: -L\${libdir} -llemessaging
Cflags: -I\${includedir}
PC
put_text 644 "$libdir/pkgconfig/lemessaging-cpp.pc" << PC
prefix=$prefix
protodir=\${prefix}/include/lemessaging

Name: lemessaging-cpp
Description: The C++ API and typed services of lemessaging, as headers
Version: $version
Requires: lemessaging = $version absl_status absl_statusor absl_strings absl_time absl_span protobuf
PC

put_text 644 "$libdir/cmake/lemessaging/lemessaging-config.cmake" << CMAKE
# Defines the library lemessaging::lemessaging.
if(NOT TARGET lemessaging::lemessaging)
  add_library(lemessaging::lemessaging SHARED IMPORTED)
  set_target_properties(lemessaging::lemessaging PROPERTIES
    IMPORTED_LOCATION "$prefix/$libdir/liblemessaging.so.0"
    IMPORTED_SONAME "liblemessaging.so.0"
    INTERFACE_INCLUDE_DIRECTORIES "$prefix/include/lemessaging")
endif()
CMAKE
put_text 644 "$libdir/cmake/lemessaging/lemessaging-config-version.cmake" << CMAKE
set(PACKAGE_VERSION "$version")
if(PACKAGE_FIND_VERSION VERSION_GREATER PACKAGE_VERSION)
  set(PACKAGE_VERSION_COMPATIBLE FALSE)
else()
  set(PACKAGE_VERSION_COMPATIBLE TRUE)
  if(PACKAGE_FIND_VERSION STREQUAL PACKAGE_VERSION)
    set(PACKAGE_VERSION_EXACT TRUE)
  endif()
endif()
CMAKE
echo "installed in $destdir$prefix"
