#!/bin/sh
# Prints sources for apt of another release of Debian, from the mirrors that apt is configured with here;
# nothing if there are none: mmdebstrap has its own then.
#
#     tools/debian-sources.sh RELEASE
set -eu
release=$1

mirrors=$(apt-get indextargets --format '$(SITE) $(RELEASE)' 'Created-By: Packages' 'Origin: Debian' | sort -u)
security=$(echo "$mirrors" | sed -n 's/^\([^ ]*\) [a-z]*-security$/\1/p' | head -n 1)
mirror=$(echo "$mirrors" | sed -n 's/^\([^ ]*\) [a-z]*$/\1/p' | head -n 1)

[ -n "$mirror" ] || exit 0
echo "deb $mirror $release main"
case $release in
testing | unstable | sid) exit 0 ;; # what is mended comes there itself
esac
echo "deb $mirror $release-updates main"
[ -z "$security" ] || echo "deb $security $release-security main"
