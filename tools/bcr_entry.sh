#!/usr/bin/env bash
# Copyright 2026 The le_messaging Authors
# SPDX-License-Identifier: Apache-2.0
#
# Makes the source archive of a release from HEAD, and the release's entry for
# the Bazel Central Registry:
#
#   tools/bcr_entry.sh OWNER/REPOSITORY MAINTAINER REGISTRY
#
# OWNER/REPOSITORY is the project's repository on GitHub. MAINTAINER is a GitHub
# user. REGISTRY is a checkout of the registry, or an empty folder. The script
# writes the archive and the entry into REGISTRY. Upload the archive to the
# release of this version on GitHub. Its tag is the letter v and the version in
# MODULE.bazel. .bcr/README.md says when to call this script.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

name='[A-Za-z0-9_][A-Za-z0-9_.-]*'
if [ $# != 3 ] || ! [[ $1 =~ ^$name/$name$ && $2 =~ ^$name$ && -d $3 ]]; then
  echo "usage: tools/bcr_entry.sh OWNER/REPOSITORY MAINTAINER REGISTRY" >&2
  exit 2
fi
repository=$1 maintainer=$2 registry=$3

version=$(git show HEAD:MODULE.bazel | sed -n 's/^    version = "\(.*\)",$/\1/p')
root=le_messaging-$version
archive=$registry/$root.tar.gz
module=$registry/modules/le_messaging
if [ -e "$module/$version" ]; then
  echo "bcr_entry.sh: $module/$version exists, and a version never changes: raise the version in MODULE.bazel" >&2
  exit 1
fi
mkdir -p "$module/$version"

git archive --format=tar --prefix="$root/" HEAD | gzip -9n > "$archive"
git show HEAD:MODULE.bazel > "$module/$version/MODULE.bazel"
git show HEAD:.bcr/presubmit.yml > "$module/$version/presubmit.yml"
cat > "$module/$version/source.json" << END
{
    "integrity": "sha256-$(openssl dgst -sha256 -binary "$archive" | base64)",
    "strip_prefix": "$root",
    "url": "https://github.com/$repository/releases/download/v$version/$root.tar.gz"
}
END

if [ -e "$module/metadata.json" ]; then
  # Appends to the list of versions.
  sed -zi "s/\"versions\": \[[^]]*\"/&,\n        \"$version\"/" "$module/metadata.json"
else
  cat > "$module/metadata.json" << END
{
    "homepage": "https://github.com/$repository",
    "maintainers": [
        {
            "github": "$maintainer"
        }
    ],
    "repository": [
        "github:$repository"
    ],
    "versions": [
        "$version"
    ],
    "yanked_versions": {}
}
END
fi
echo "$archive"
echo "$module/$version"
