#!/bin/sh
# Brings the jars of an Apache Kafka broker to a folder, for tests. Quick when they are there.
#
#     tools/kafka/install.sh [FOLDER]        (build/kafka)
#
# KAFKA_VERSION: of that version, not the one of pom.xml, and to FOLDER-VERSION: tests/kafka/broker.sh takes it from
# there if KAFKA_VERSION is set.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
folder=${1:-$here/../../build/kafka}${KAFKA_VERSION:+-$KAFKA_VERSION}
version=${KAFKA_VERSION:-$(sed -n 's:.*<kafka.version>\([0-9.]*\)<.*:\1:p' "$here/pom.xml")}

[ ! -e "$folder/done-$version" ] || exit 0
mkdir -p "$folder/jars"
folder=$(cd "$folder" && pwd)
echo "kafka: fetching Apache Kafka $version for the tests" >&2
# The registry fails temporarily.
for pause in 3 10 0; do
    if mvn -B -q -f "$here/pom.xml" -Dkafka.version="$version" -P"kafka-${version%%.*}" \
        dependency:copy-dependencies -DincludeScope=runtime \
        -DoutputDirectory="$folder/jars" </dev/null >"$folder/log" 2>&1; then
        : >"$folder/done-$version"
        exit 0
    fi
    sleep "$pause"
done
cat "$folder/log" >&2
echo "kafka: the jars could not be fetched" >&2
exit 1
