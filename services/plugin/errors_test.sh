#!/usr/bin/env bash
# Copyright 2026 The le_messaging Authors
# SPDX-License-Identifier: Apache-2.0
#
# The plugin refuses wrong services, and names the cause:
# errors_test.sh PROTOC PLUGIN DESCRIPTOR_SET...
set -euo pipefail

protoc=$1 plugin=$2
shift 2
sets=$(IFS=:; echo "$*")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
failures=0

# Generates code for a file that has these lines. Prints the errors.
generate() {
  {
    echo 'syntax = "proto3"; package '"${package:-p}"'; import "le/service.proto"; message M {}'
    printf '%s\n' "$@"
  } > "$folder/a.proto"
  "$protoc" --plugin=protoc-gen-le="$plugin" --le_out="$folder" --proto_path="$folder" \
    --descriptor_set_in="$sets" a.proto 2>&1
}
refuses() { # ERROR LINE...
  local output
  if output=$(generate "${@:2}"); then
    echo "FAILED: accepted: ${*:2}"
  elif ! grep -qF -- "$1" <<< "$output"; then
    echo "FAILED: no '$1' in: $output"
  else
    return 0
  fi
  failures=$((failures + 1))
}
accepts() { # LINE...
  local output
  output=$(generate "$@") || { echo "FAILED: $output"; failures=$((failures + 1)); }
}
service() { echo "service S { option (le.version) = 1; $* }"; }

accepts ""
accepts "$(service)"
accepts "$(service 'rpc A(M) returns (M);')"
refuses "service p.S: set a version" 'service S {}'
refuses "method A: only responses can be streams" "$(service 'rpc A(stream M) returns (M);')"
refuses "method A: le.OneWay cannot be a stream" "$(service 'rpc A(M) returns (stream le.OneWay);')"
refuses "method A: fd_out needs exactly one response" \
  "$(service 'rpc A(M) returns (stream M) { option (le.method).fd_out = true; }')"
refuses "method A: fd_out needs exactly one response" \
  "$(service 'rpc A(M) returns (le.OneWay) { option (le.method).fd_out = true; }')"
refuses "methods A and B have the number 2" \
  "$(service 'rpc A(M) returns (M) { option (le.method).number = 2; } rpc B(M) returns (M);')"
accepts "$(service 'rpc A(M) returns (M) { option (le.method).number = 65535; }')"
refuses "method A: the number is above 65535" \
  "$(service 'rpc A(M) returns (M) { option (le.method).number = 65536; }')"
refuses "method count: the name must begin with a capital letter" \
  "$(service 'rpc count(M) returns (M);')"
accepts "$(service 'rpc Leave(M) returns (M);')"
refuses 'method LeTable: the name must not begin with "Le"' \
  "$(service 'rpc LeTable(M) returns (M);')"
accepts "$(service 'rpc A(M) returns (le.OneWay); rpc AAsync(M) returns (M);')"
refuses "method AAsync: the name is used for a function" \
  "$(service 'rpc A(M) returns (M); rpc AAsync(M) returns (M);')"
refuses "method AInto: the name is used for a function" \
  "$(service 'rpc A(M) returns (M); rpc AInto(M) returns (M);')"
# Names that would not compile.
refuses "method SClient: the name is used for a class" "$(service "rpc SClient(M) returns (M);")"
refuses 'service p.S: the name of its generated class "p.SService" is in use' \
  "message SService {}" "$(service)"
refuses 'generated class "p.SApi"' 'enum E { SApi = 0; }' "$(service)"
accepts "service SApi { option (le.version) = 1; }" "$(service)"
refuses 'generated class "p.MockSApi"' "service MockS { option (le.version) = 1; }" "$(service)"
refuses 'method A: "p.class" contains the C++ word "class"' \
  'message class {}' "$(service 'rpc A(class) returns (M);')"
refuses 'method A: "p.new.M" contains the C++ word "new"' \
  'message new { message M {} }' "$(service 'rpc A(M) returns (new.M);')"
refuses 'method NULL: "NULL" contains the C++ word' "$(service 'rpc NULL(M) returns (M);')"
accepts 'message class {}' "$(service)"
package=p.new refuses '"p.new" contains the C++ word "new"' "$(service)"
# The protocol is "p.S.../1", of at most 127 bytes.
long=$(printf 'S%.0s' {1..123})
accepts "service $long { option (le.version) = 1; }"
refuses "has more than 127 bytes" "service S$long { option (le.version) = 1; }"
accepts "$(service 'option (le.largest_message) = 16776192;')"
refuses "(le.largest_message) is above 16776192" \
  "$(service 'option (le.largest_message) = 16776193;')"

[ "$failures" = 0 ]
