#!/bin/bash
# What README and man pages show is what the program says: each block that begins with `$ COMMAND`
# is run, and its lines have to be in the output, in their order. A line of dots stands for some
# that are left out.
set -u
failed=0

source_folder=$PWD
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
ln -s "$source_folder/tests" "$scratch/tests"
cd "$scratch" || exit 1
export TZ=UTC

spanmill() {
    "$SPANMILL" "$@"
}
export -f spanmill

# check FILE COMMAND LINES-SHOWN
check() {
    local shown left=0 said
    bash -c "$2" >said 2>&1 || {
        echo "$1: $2 fails: $(head -n 3 said)"
        failed=1
    }
    exec 3<said
    while IFS= read -r shown; do
        [[ $shown == ... || -z $shown ]] && continue
        while IFS= read -r said <&3 && [[ $said != "$shown" ]]; do :; done
        if [[ $said != "$shown" ]]; then
            echo "$1: $2 does not say, or not there: $shown"
            failed=1
            break
        fi
        left=$((left + 1))
    done <<<"$3"
    exec 3<&-
    [ "$left" -gt 0 ] || {
        echo "$1: $2 shows nothing"
        failed=1
    }
}

blocks=0
for file in README.md docs/man/spanmill-report.1 docs/man/spanmill-pack.1; do
    command=
    shown=
    # Blocks are fenced in Markdown, .Bd to .Ed in man pages.
    while IFS= read -r line; do
        line=${line#\\&}
        line=${line//\\e/\\}
        case $line in
        '```' | .Ed)
            if [ -n "$command" ]; then
                check "$file" "$command" "$shown"
                blocks=$((blocks + 1))
            fi
            command=
            ;;
        '$ '*)
            command=${line#??}
            shown=
            ;;
        *) shown+=$line$'\n' ;;
        esac
    done <"$source_folder/$file"
done
[ "$blocks" -ge 3 ] || {
    echo "only $blocks examples"
    failed=1
}
exit $failed
