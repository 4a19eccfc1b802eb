#!/usr/bin/env bash
# Copyright 2026 The le_messaging Authors
# SPDX-License-Identifier: Apache-2.0
#
# Checks formatting and house rules in all files that git does not ignore:
#
#   tools/lint.sh          names each broken rule; exit status 1 if there is one
#   tools/lint.sh --fix    first corrects formatting, load() lines and
#                          docs/c_api.txt
#
# Installs its tools when they are missing (clang-format, shellcheck and npm by
# apt, buildifier by npm, into a cache folder).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# Other versions format differently.
readonly CLANG_FORMAT=clang-format-14
readonly BUILDIFIER_VERSION=8.2.1

fix=false
case "${1-}" in
  --fix) fix=true ;;
  '') ;;
  *) echo "usage: tools/lint.sh [--fix]" >&2; exit 2 ;;
esac

failures=0

# check NAME COMMAND...: the rule is broken if the command fails or prints text.
check() {
  local name=$1 output
  shift
  if output=$("$@" 2>&1) && [ -z "$output" ]; then
    return
  fi
  printf '%s:\n%s\n\n' "$name" "${output:-failed}" | sed '2,$s/^/    /'
  failures=$((failures + 1))
}

files() { # GIT_PATTERN...: prints the files that exist, one on each line
  git ls-files --cached --others --exclude-standard -- "$@" | while read -r file; do
    [ ! -f "$file" ] || echo "$file"
  done
}

cxx_files() { files '*.h' '*.c' '*.cc'; }
build_files() { files '*BUILD.bazel' '*.bzl' '*WORKSPACE' '*WORKSPACE.bzlmod' '*MODULE.bazel'; }
shell_files() { files '*.sh' bazelw .ci/run; }
test_files() { files '*_test.cc' '*_test.c' '*_test.sh' 'tests/*' '*/testing/*'; }

install_tools() {
  local tool
  for tool in "$CLANG_FORMAT" shellcheck; do
    command -v "$tool" > /dev/null || tools/install_packages.sh "$tool"
  done
  local cache=${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/le_messaging/buildifier-$BUILDIFIER_VERSION
  buildifier=$cache/node_modules/.bin/buildifier
  if ! [ -x "$buildifier" ]; then
    command -v npm > /dev/null || tools/install_packages.sh npm
    npm install --silent --no-audit --no-fund --prefix "$cache" \
      "@bazel/buildifier@$BUILDIFIER_VERSION" > /dev/null
  fi
}

clang_format() {
  # Prints only one error of each file, since --fix corrects the whole file.
  cxx_files | xargs -r "$CLANG_FORMAT" --dry-run --Werror 2>&1 |
    sed -n 's/^\([^: ]*:[0-9]*\):.*error:.*/\1/p' | sort -t: -k1,1 -u
}

buildifier_check() {
  build_files | xargs -r "$buildifier" -mode=check -lint=warn
}

shell_check() {
  shell_files | xargs -r shellcheck --format=gcc
}

# Prints the folders that a folder may use. The folders are in layers: event <-
# { transports, legato } <- directory <- messaging <- services <- tools <-
# examples <- tests. A folder uses only itself and some of the folders to its
# left. Special cases:
#  - A public header is included by its bare name. It counts as part of its
#    folder.
#  - tools/packaging may use everything that it ships.
allowed_folders() {
  case "$1" in
    event) echo event ;;
    transports) echo event transports ;;
    legato) echo event legato ;;
    directory) echo event transports directory ;;
    tools) echo event transports directory messaging services tools ;;
    messaging) echo event transports legato directory messaging ;;
    services) echo legato messaging services ;;
    examples) echo event transports legato directory messaging services tools examples ;;
    tests) echo event transports legato directory messaging services examples tools tests ;;
  esac
}
readonly FOLDERS='event|transports|legato|directory|messaging|services|examples|tools|tests'

# Reads lines "FILE:NAME:FOLDER": FILE uses NAME, which belongs to FOLDER.
# Reports the lines that the arrows do not allow.
against_the_arrows() {
  local file name target
  while IFS=: read -r file name target; do
    [[ $file = tools/packaging/* ]] ||
      grep -qw "$target" <<< "$(allowed_folders "${file%%/*}")" ||
      echo "$file: ${file%%/*}/ must not use $name of $target/"
  done
}

include_arrows() {
  local -A owner
  local file included
  while read -r file; do
    owner[${file##*/}]=${file%%/*}
  done < <(files '*/include/*.h')
  while IFS=: read -r file included; do
    if [[ "$included" =~ ^($FOLDERS)/ ]]; then
      echo "$file:$included:${BASH_REMATCH[1]}"
    elif [ -n "${owner[$included]-}" ]; then
      echo "$file:$included:${owner[$included]}"
    fi
  done < <(cxx_files | grep -v '^examples/consumer/' |
    xargs -r grep -HoP '^\s*#\s*include\s+"\K[^"]+') | against_the_arrows
}

# Reads the labels in all BUILD files, because tests/build queries only the
# public targets. A label of visibility is not a dependency. The alias in
# event/BUILD.bazel may name legato.
label_arrows() {
  files '*/BUILD.bazel' | grep -v '^examples/consumer/' |
    xargs -r grep -HoP "\"//\K($FOLDERS)[/:\"][^\"]*" |
    grep -vE ':(__pkg__|__subpackages__)$|^event/BUILD.bazel:legato' |
    sed -E 's|^([^:]*):([^/:"]*)(.*)$|\1:"//\2":\2|' | against_the_arrows
}

# Reports includes of a transport's implementation. Only tests, benchmarks and
# the files named here may have such an include. TRANSPORT_NAMERS in
# tests/build/targets.bzl checks only the public targets.
transport_names() {
  cxx_files | grep -vE '^(transports|tests|directory/(directoryd|testing/)|messaging/(facade|testing)/|tools/sdir/(directory|main))|(_test|_benchmark|_bench)\.(c|cc)$|^examples/consumer/' |
    xargs -r grep -nE '^\s*#\s*include\s+"transports/(unix_socket|loopback)/' || true
}

licence_lines() {
  { cxx_files; build_files; shell_files; files '*.proto' '*.py' '*.yml' '*.bazelrc' .clang-format; } | while read -r file; do
    head -n 4 "$file" | grep -v '^#!' | head -n 2 | tr '\n' ' ' |
      grep -qE '^(//|#|/\*) Copyright 2026 The le_messaging Authors (//|#| \*) SPDX-License-Identifier: Apache-2.0 $' ||
      echo "$file: does not start with the two licence lines"
  done
}

# A test must not sleep. It waits for the event that it expects, or uses fake
# time.
no_sleeps_in_tests() {
  test_files | xargs -r grep -nP '\b(sleep_for|sleep_until|SleepFor|usleep|nanosleep|sleep)\s*\(|^\s*sleep\s+[0-9.]' || true
}

# clang-format does not reflow comments, because they contain tables.
# compile_errors.cc has messages of a compiler, each in a line.
long_comments() {
  cxx_files | grep -v '/compile_errors\.cc$' | LC_ALL=C.UTF-8 xargs -r grep -nP '^(?=.{81})\s*(//|\*)' || true
}

# The quotes inside the words keep this file from matching.
no_loose_ends() {
  { cxx_files; build_files; shell_files; files '*.proto' '*.md' '*.bazelrc'; } |
    xargs -r grep -nwE 'TO''DO|FIX''ME|XX''X' || true
}

executable() {
  git ls-files --stage -- '*.sh' bazelw .ci/run | while read -r mode _ _ file; do
    [ "$mode" = 100755 ] || echo "$file: is not executable"
  done
}

# A patch must still apply: the simulation shows the defect of a patch, and the
# benchmarks measure the cost of a patch.
patches() {
  files 'tests/*.patch' | while read -r file; do
    patch --dry-run --silent --force -p1 < "$file" > /dev/null ||
      echo "$file: does not apply any more"
  done
}

# Prints all names that a document may use, one on each line: files and folders,
# targets, and identifiers of the code. A path is printed whole, without its
# first folder, without its first two folders, and so on.
names_of_the_tree() {
  files | sed 's|^\(tests/fuzz/corpus\)/.*|\1|' | sort -u | awk -F/ '{
    for (first = 1; first <= NF; ++first) {
      path = ""
      for (i = first; i <= NF; ++i) { path = path (i > first ? "/" : "") $i; print path }
    }
    print "//" $0
  }'
  # shellcheck disable=SC2016 # awk's own $0
  build_files | grep 'BUILD.bazel$' | xargs -r awk '
    FNR == 1 { package = FILENAME; sub(/\/?BUILD.bazel$/, "", package); print "//" package }
    match($0, /name = "[^"]*"/) { print "//" package ":" substr($0, RSTART + 8, RLENGTH - 9) }
    match($0, /^    "[a-z_]*"(,?|: .*)$/) { sub(/:.*/, ""); gsub(/[ ",]/, ""); print "//" package ":" $0 }'
  { cxx_files; build_files; shell_files; files '*.proto' '*.py' '*.capnp' '*.bazelrc' tests/simulation/defects; } |
    xargs -r cat | grep -oE '[A-Za-z_][A-Za-z0-9_]+' | sort -u
}

# A word in `backticks` that looks like a path, a test or an identifier must be
# a name of the tree. A label of Bazel must be one even without backticks. "..."
# in a word stands for any letters.
names_in_documents() {
  # shellcheck disable=SC2016 # awk's own $0
  awk -v documents="$(files '*.md' .bcr/presubmit.yml)" '
    { known[$0] = 1; sub(/.*\//, ""); if ($0 !~ /[.:]/ && length($0) > 3) plain[$0] = 1 }
    END {
      count = split(documents, file, "\n")
      for (f = 1; f <= count; ++f) {
        number = fenced = 0
        while ((getline line < file[f]) > 0) {
          ++number
          if (line ~ /^```/) fenced = !fenced
          parts = fenced ? 0 : split(line, part, "`")
          for (i = 2; i < parts; i += 2) look(part[i])
          while (match(line, /(^|[ "(`=@])(@le_messaging)?\/\/[a-z_][a-z_\/]*(:[A-Za-z_.-]+)?/)) {
            label = substr(line, RSTART, RLENGTH); sub(/^[^\/]*/, "", label); sub(/\/$/, "", label)
            line = substr(line, RSTART + RLENGTH)
            path = label; sub(/^\/\//, "", path); sub(/:/, "/", path)
            # README.md tells the reader to create //shout.
            if (!(label in known) && !(path in known) && label != "//shout") complain(label)
          }
        }
        close(file[f])
      }
    }
    function complain(what) { print file[f] ":" number ": there is no " what }
    function look(span,   word, words, j, n) {
      n = split(span, words, / /)
      for (j = 1; j <= n; ++j) {
        word = words[j]
        sub(/^\.\.?\//, "", word); sub(/^\.\.\//, "", word); sub(/[,;:]+$/, "", word); sub(/\/$/, "", word)
        if (word ~ /^[A-Za-z0-9_.]+(\/[A-Za-z0-9_.-]+)+$/ ||
            word ~ /^[A-Za-z0-9_.-]+\.(h|c|cc|sh|md|bzl|txt|proto|bazel|awk|patch)$/ ||
            word ~ /^[a-z0-9_]+_(test|fuzz)$/) {
          if (!(word in known) && !((word ".cc") in known) && !((word ".sh") in known) &&
              !((word ".c") in known) && !((word ".h") in known) && !((word ".patch") in known)) complain(word)
        } else if (n == 1 && word ~ /^[A-Za-z_:.]*[A-Za-z_.](\(\))?$/ &&
                   word ~ /^(le_|LE_|_le_|k[A-Z])|^\.*[A-Z][a-z]+[A-Z]|\.\.\.|[a-z]::[A-Za-z]/) {
          known_identifier(word) || complain(word)
        }
      }
    }
    function known_identifier(word,   name, pattern) {
      sub(/\(\)$/, "", word)
      if (word !~ /\.\.\./) { sub(/.*::/, "", word); sub(/.*\./, "", word); return word in plain || word in known }
      pattern = word; gsub(/\.\.\./, "[A-Za-z0-9_]*", pattern); pattern = "^" pattern "$"
      for (name in plain) if (name ~ pattern) return 1
      return 0
    }' <(names_of_the_tree)
}

# A function that a comment names as "Name()" must exist. So must a file that a
# comment names as "name.h".
names_in_comments() {
  # Reads all files twice: first the code, then the comments.
  # shellcheck disable=SC2016 # awk's own $0
  cxx_files | xargs -r awk -v files="$(files | sed 's|.*/||' | sort -u | tr '\n' ' ')" '
    BEGIN {
      split(files, file, / /)
      for (i in file) known[file[i]] = 1
      for (i = 1; i < ARGC; ++i) ARGV[ARGC - 1 + i] = ARGV[i]
      count = ARGC - 1
      ARGC += count
    }
    FNR == 1 { ++number }
    {
      comment = ""
      if (match($0, /\/\/|\/\*|^ \*/)) { comment = substr($0, RSTART); $0 = substr($0, 1, RSTART - 1) }
    }
    number <= count {
      while (match($0, /[A-Z][A-Za-z0-9_]*/)) {
        known[substr($0, RSTART, RLENGTH) "()"] = 1
        $0 = substr($0, RSTART + RLENGTH)
      }
    }
    number > count {
      while (match(comment, /[A-Za-z0-9_-]+\.(h|c|cc|sh|md|bzl|txt)|[A-Z][A-Za-z]*\(\)/)) {
        name = substr(comment, RSTART, RLENGTH)
        comment = substr(comment, RSTART + RLENGTH)
        if (!(name in known)) print FILENAME ":" FNR ": there is no " name
      }
    }'
}

# Prints the functions that the public headers declare.
c_functions() {
  files '*/include/*.h' | xargs -r cat | tr '\n' ' ' |
    sed 's:/\*[^*]*\*\+\([^/*][^*]*\*\+\)*/: :g' | grep -oE '\b_?le_[A-Za-z0-9_]+\(' | tr -d '(' |
    LC_ALL=C sort -u
}

# docs/compatibility.md promises that no symbol is removed. CONTRIBUTING.md says
# what a new function needs.
c_api() {
  diff docs/c_api.txt <(c_functions) |
    sed -n -e 's/^< \(.*\)/\1: in docs\/c_api.txt, and in no header: a symbol must stay/p' \
      -e 's/^> \(.*\)/\1: new; "tools\/lint.sh --fix" adds it to docs\/c_api.txt/p'
  c_functions | grep '^le_msg_.*[^_]$' | while read -r function; do
    grep -qw "$function" tests/c_api/every_function.c ||
      echo "$function: tests/c_api/every_function.c does not call it"
  done
  # The tests of le_pack make most of its names with a macro.
  c_functions | grep '^le_.*[^_]$' | grep -v '^le_\(msg\|pack\)_' | while read -r function; do
    grep -qw "$function" legato/*c99_test.c ||
      echo "$function: no legato/*c99_test.c calls it"
  done
}

version() {
  local version
  version=$(sed -n 's/^    version = "\(.*\)",$/\1/p' MODULE.bazel | head -n 1)
  grep -q "kVersion\[\] = \"$version\"" directory/program.h ||
    echo "directory/program.h: kVersion is not MODULE.bazel's $version"
  grep -q "^## $version" CHANGELOG.md || echo "CHANGELOG.md: does not name version $version"
  grep -q "name = \"le_messaging\", version = \"$version\"" README.md ||
    echo "README.md: names another version than $version"
  head -n 1 tools/packaging/debian/changelog | grep -qF "($version)" ||
    echo "tools/packaging/debian/changelog: does not begin with $version"
}

# Pages have lines for a project that depends on us. These lines must be in
# examples/consumer, which CI builds. The version there must be that of the tree.
dependency_lines() {
  local page line
  for page in README.md docs/using.md; do
    grep -E '^(bazel_dep|load\("@le_messaging//:|le_messaging_deps|build )' "$page" |
      sed -E 's/ +#.*//; s/(name = "le_messaging"), version = "[^"]*"/\1/' | while read -r line; do
      grep -qxF -- "$line" examples/consumer/{MODULE.bazel,WORKSPACE,.bazelrc} ||
        echo "$page: examples/consumer has no line $line"
    done
  done
}

# Checks that bcr_entry.sh can make an archive and an entry of the last commit.
registry_entry() {
  local registry status=0
  registry=$(mktemp -d)
  tools/bcr_entry.sh owner/repository maintainer "$registry" > /dev/null || status=$?
  rm -rf "$registry"
  return "$status"
}

install_tools
if $fix; then
  cxx_files | xargs -r "$CLANG_FORMAT" -i
  build_files | xargs -r "$buildifier" -lint=fix
  # Only adds functions: programs break if a function is removed.
  c_functions | LC_ALL=C sort -u - docs/c_api.txt -o docs/c_api.txt
fi
check "Formatting (tools/lint.sh --fix corrects it)" clang_format
check "BUILD files (tools/lint.sh --fix mends most of it)" buildifier_check
check "Shell scripts" shell_check
check "Folder arrows of includes" include_arrows
check "Folder arrows of targets" label_arrows
check "Names of a transport's implementation (use the seam, transports/transport.h)" transport_names
check "Licence lines" licence_lines
check "Sleeps in tests" no_sleeps_in_tests
check "Comments over 80 columns" long_comments
check "TO-DO marks" no_loose_ends
check "Modes" executable
check "Patches" patches
check "Names in documents" names_in_documents
check "Names in comments" names_in_comments
check "C API (CONTRIBUTING.md, \"Add a function to the C API\")" c_api
check "Version" version
check "Lines of pages for a project that depends on us" dependency_lines
check "Entry of the Bazel Central Registry" registry_entry

if [ "$failures" != 0 ]; then
  echo "tools/lint.sh: $failures rules broken"
  exit 1
fi
echo "tools/lint.sh: clean"
