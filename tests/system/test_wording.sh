#!/bin/bash
# Docs, man pages, help, messages, and comments of the programs use standard terms and US spelling: none of these words is in
# them. Each row is a pattern (ERE, case-insensitive, whole words) and what to write instead.
set -u
table='is told|are told|was told|told by|told of => is known, reports, shows
tells => shows, reports, has
nobody knows|nobody told => unknown
by and by => gradually
of ours => of spanmill
is said|are said => is reported, a message says
is wanted|are wanted|wants => expected, needs
will not do => is invalid
in hand => current
at the most => at most
but for => except
the same to the byte => byte-identical
beside => next to, with
whoever => the process that, a client that
anew => again
passed over => skipped, ignored
neighbou?rhood|neighbours?|neighbouring => neighbor
behaviours? => behavior
licences? => license
colours? => color
recogni[s]e[sd]? => recognize
analys(e|ed|ing) => analyze
travelled|travelling|labelled|labelling => traveled, labeled
initiali[s]e[sd]? => initialize
newer than this program knows => newer than this program supports
nobody|somebody else|whoever => unknown, no thread, another
untold|retold|retells? => not published, republished
elders?|eldest => older begins, oldest
kin => thread group
holds? back|held back => postpones, waits
gives? back|gave back => returns
out of reach => unreachable
for ever => without limit'

all=$(sed 's/ => .*//' <<<"$table" | paste -sd '|')
failed=0

# check FILE...: what a row finds in them, with what to write instead.
check() {
    local row
    grep -qiwE -- "$all" "$@" || return 0
    failed=1
    while read -r row; do
        grep -inwHE -- "${row% => *}" "$@" | sed "s|\$|   [write: ${row#* => }]|"
    done <<<"$table"
}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
for command in '' report explain log events pack publish results status parked topics; do
    # shellcheck disable=SC2086 # none, or one word
    "$SPANMILL" $command --help >"$work/spanmill-$command--help"
done
for service in agent mapper reducer export; do
    "$(dirname "$SPANMILL")/spanmill-$service" --help >"$work/spanmill-$service--help"
done
# Messages: strings of several words.
shopt -s globstar
sources=({agent,cli,export,mapper,reducer}/**/*.[ch] shared/**/*.[ch])
grep -oE '"([^"\\]|\\.)* ([^"\\]|\\.)*"' "${sources[@]}" >"$work/strings"
# Comments: their lines, without code.
grep -oE '/\*.*|^ +\* .*' "${sources[@]}" | sed "s/\`[^\`]*\`//g" >"$work/comments"
check README.md CONTRIBUTING.md SECURITY.md docs/*.md docs/man/*.1 examples/**/*.md "$work"/*
exit $failed
