#!/usr/bin/env bash
# Fetches simdjson's amalgamation from Debian's source package into DIR, because Debian's binary package has only a shared library.
# Uses the machine's own apt sources and their signatures, but private lists, so that the system's apt configuration stays untouched.
# Why the source package and not a copy in the tree: docs/adr/0004-simdjson-from-source-package.md
set -euo pipefail

version=3.0.1
sha256=156b1bc5eb0561b2bd166b46d191fd3d95a3e709cc63761477d3b7aec2b6e9ed # of simdjson_3.0.1.orig.tar.gz

target=${1:?usage: fetch_simdjson.sh DIR}
if [[ -f $target/simdjson.cpp && $(cat "$target/VERSION" 2>/dev/null) == "$version $sha256" ]]; then exit 0; fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/sources" "$work/lists/partial" "$work/cache/archives/partial"
. /etc/os-release

# deb → deb-src, only the main suite of this release. Signed-By and mirrors stay as the machine has them.
shopt -s nullglob
for file in /etc/apt/sources.list.d/*.sources; do
  awk -v suite="$VERSION_CODENAME" -v RS= -v ORS='\n\n' '
    ("\n" $0) ~ ("\nSuites:[^\n]*[ \t]" suite "([ \t\n]|$)") && ("\n" $0) ~ /\nTypes:[^\n]*deb/ {
      gsub(/(^|\n)#[^\n]*/, ""); sub(/^\n/, "")
      sub(/Types:[^\n]*/, "Types: deb-src"); sub(/Suites:[^\n]*/, "Suites: " suite); print }' \
    "$file" > "$work/sources/$(basename "$file")"
done
for file in /etc/apt/sources.list /etc/apt/sources.list.d/*.list; do
  [[ -f $file ]] || continue
  sed -nE "s/^deb([[:space:]]+(\[[^]]*\][[:space:]]+)?[^[:space:]]+[[:space:]]+$VERSION_CODENAME[[:space:]])/deb-src\1/p" \
    "$file" > "$work/sources/$(basename "${file%.list}").list"
done
find "$work/sources" -empty -delete
if [[ -z $(ls "$work/sources" 2>/dev/null) ]]; then
  echo "no apt source of suite '$VERSION_CODENAME' found under /etc/apt; put simdjson $version's singleheader files into $target" >&2
  exit 1
fi

apt=(apt-get -qq -o Dir::Etc::sourcelist=/dev/null -o Dir::Etc::sourceparts="$work/sources" -o Dir::State::lists="$work/lists"
  -o Dir::Cache="$work/cache" -o APT::Sandbox::User=root -o Acquire::Languages=none -o Acquire::Retries=3)
"${apt[@]}" update
(cd "$work" && "${apt[@]}" source --download-only "simdjson=$version-1")
echo "$sha256  $work/simdjson_$version.orig.tar.gz" | sha256sum --check --quiet

mkdir -p "$target"
tar -xzf "$work/simdjson_$version.orig.tar.gz" -C "$target" --strip-components=1 "simdjson-$version/LICENSE"
tar -xzf "$work/simdjson_$version.orig.tar.gz" -C "$target" --strip-components=2 "simdjson-$version/singleheader/simdjson.h" \
  "simdjson-$version/singleheader/simdjson.cpp"
echo "$version $sha256" > "$target/VERSION"
