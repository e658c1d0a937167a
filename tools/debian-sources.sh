#!/bin/sh
# Prints sources for apt of another release of Debian, from the mirrors that apt is configured with here;
# nothing if there are none: mmdebstrap has its own then.
#
#     tools/debian-sources.sh RELEASE
#
# OLD_MIRROR: if set, lists are taken that say that they are too old, as those of a mirror that stands still.
set -eu
release=$1
options=${OLD_MIRROR:+[check-valid-until=no] }

mirrors=$(apt-get indextargets --format '$(SITE) $(RELEASE)' 'Created-By: Packages' 'Origin: Debian' | sort -u)
security=$(echo "$mirrors" | sed -n 's/^\([^ ]*\) [a-z]*-security$/\1/p' | head -n 1)
mirror=$(echo "$mirrors" | sed -n 's/^\([^ ]*\) [a-z]*$/\1/p' | head -n 1)

[ -n "$mirror" ] || exit 0
echo "deb $options$mirror $release main"
case $release in
testing | unstable | sid) exit 0 ;; # what is mended comes there itself
esac
echo "deb $options$mirror $release-updates main"
[ -z "$security" ] || echo "deb $options$security $release-security main"
