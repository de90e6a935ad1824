#!/bin/sh
# Installs the Debian packages that some tests need. Each of those tests is skipped by name without them.
set -eu
packages='openssl sqlcipher prometheus strace chromium busybox-static xfsprogs age zsh fish mandoc'
# Debian's Docker only where no other vendor's is installed.
PATH="$PATH:/usr/sbin:/sbin"
command -v dockerd >/dev/null || packages="$packages docker.io"
command -v docker-compose >/dev/null || docker compose version >/dev/null 2>&1 || packages="$packages docker-compose"
missing=''
for package in $packages; do
  dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing="$missing $package"
done
if [ -z "$missing" ]; then
  echo "all there: $packages"
  exit 0
fi
as_root=''
[ "$(id -u)" -eq 0 ] || as_root=sudo
export DEBIAN_FRONTEND=noninteractive
$as_root apt-get update -qq
# shellcheck disable=SC2086 # a list of words
$as_root apt-get install -y -qq --no-install-recommends $missing
