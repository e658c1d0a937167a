# The example of docs/CONFIGURATION.md is the output of the program.
set -eu
path=$(dirname "$SPANMILL")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
awk '/^\$ SPANMILL_KAFKA_/ { on = 1; next } /^```$/ { on = 0 } on' docs/CONFIGURATION.md >"$work/wanted"
[ "$(wc -l <"$work/wanted")" -gt 10 ]
PATH=$path:$PATH
eval "$(sed -n 's/^\$ SPANMILL_KAFKA_/SPANMILL_KAFKA_/p' docs/CONFIGURATION.md)" >"$work/said"
diff -u "$work/wanted" "$work/said"

# It lists each refused setting of librdkafka.
keys=$(sed -n '/own_settings\[\] = {/,/^};/s/^    {"\([a-z_.]*\)",.*/\1/p' shared/bus/bus_settings.c)
[ "$(wc -w <<<"$keys")" -gt 15 ]
for key in $keys; do
    grep -q "\`${key%.}[\`.]" docs/CONFIGURATION.md || { echo "not told: $key"; exit 1; }
done
