#!/bin/bash
# Every option that a command has is in its man page and in the completions, and the other way
# round; man pages and completions are well-formed, as far as there is a tool to tell.
set -u
failed=0

wrong() {
    echo "$*"
    failed=1
}

options_of() {
    grep -o -- '--[a-z][a-z-]*' | sort -u
}

# bash: the completions after some words.
complete_words() {
    bash -c '
        compopt() { :; }
        . tools/completion/spanmill.bash
        COMP_WORDS=("$@")
        COMP_CWORD=$(($# - 1))
        _spanmill
        echo "${COMPREPLY[*]}"' complete "$@"
}

# complete_service PROGRAM WORD
complete_service() {
    bash -c '
        compopt() { :; }
        . tools/completion/spanmill.bash
        COMP_WORDS=("$1" "$2")
        COMP_CWORD=1
        _spanmill_service "$1"
        echo "${COMPREPLY[*]}"' complete "$@"
}

# page_tells PAGE HELP: sets $known to the options of the help's rows.
page_tells() {
    local help letters told letter
    help=$(sed '/^Examples:/,$d' <<<"$2" | grep '^ ')
    known=$(options_of <<<"$help")
    [ "$(wc -w <<<"$known")" -ge 4 ] || wrong "$1: --help shows no options"
    told=$(sed -n 's/^\.It //p' "$1" | sed 's/Fl -/--/g' | options_of)
    [ "$known" = "$told" ] ||
        wrong "$1 and --help differ: $(diff <(echo "$known") <(echo "$told"))"
    letters=$(grep -o '^  -[a-zA-Z],' <<<"$help" | tr -d ' ,')
    for letter in $letters; do
        grep -q -- "^\.It Fl ${letter#-} " "$1" || wrong "$1 does not tell $letter"
    done
}

commands=$("$SPANMILL" --help | sed -n '/^Examples:/q; s/^  \([a-z]\{3,\}\) .*/\1/p')
[ "$(wc -w <<<"$commands")" -ge 2 ] || wrong 'spanmill --help shows no commands'
for command in $commands; do
    [ "$command" != help ] || continue
    page_tells "docs/man/spanmill-$command.1" "$("$SPANMILL" "$command" --help)"
    for option in $known; do
        grep -q -- "[ '(]$option\b" tools/completion/spanmill.bash ||
            wrong "spanmill.bash does not know $option"
        sed -n "/^    $command)/,/;;/p; /always=/,/^    )/p; /pool=/,/^    )/p" \
            tools/completion/_spanmill |
            grep -q -- "[{',*]${option}[[}\[]" || wrong "_spanmill: $command does not know $option"
    done
done

for service in agent mapper reducer export; do
    program=$(dirname "$SPANMILL")/spanmill-$service
    page_tells "docs/man/spanmill-$service.1" "$("$program" --help)"
    grep -q "^#compdef .*spanmill-$service\b" tools/completion/_spanmill ||
        wrong "zsh does not know spanmill-$service"
    grep -q "^complete .*spanmill-$service\b" tools/completion/spanmill.bash ||
        wrong "bash does not know spanmill-$service"
    first=$(head -n 1 <<<"$known")
    [[ " $(complete_service "$program" "${first%?}") " == *" $first "* ]] ||
        wrong "bash: spanmill-$service ${first%?}<TAB>"
done

for command in $commands; do
    grep -q "^\.It Cm $command$" docs/man/spanmill.1 || wrong "spanmill(1) does not tell $command"
    [ "$command" = help ] || [ -f "docs/man/spanmill-$command.1" ] ||
        wrong "no man page of $command"
    [[ " $(complete_words spanmill '') " == *" $command "* ]] || wrong "bash does not know $command"
    grep -q "^            '$command:" tools/completion/_spanmill || wrong "zsh does not know $command"
done

[ "$(complete_words spanmill rep)" = report ] || wrong 'bash: spanmill rep<TAB>'
[ "$(complete_words spanmill report --fo)" = --format ] || wrong 'bash: report --fo<TAB>'
[ "$(complete_words spanmill report --format = j)" = json ] || wrong 'bash: --format=j<TAB>'
[ "$(complete_words spanmill report --color n)" = never ] || wrong 'bash: --color n<TAB>'
[ "$(complete_words spanmill pack --le)" = --level ] || wrong 'bash: pack --le<TAB>'
[ "$(complete_words spanmill pack tests/da)" = tests/data ] || wrong 'bash: pack tests/da<TAB>'
[ "$(complete_words spanmill topics cr)" = create ] || wrong 'bash: topics cr<TAB>'
[ "$(complete_words spanmill publish --by)" = --by-reference ] || wrong 'bash: publish --by<TAB>'
if command -v zsh >/dev/null; then
    zsh -n tools/completion/_spanmill || wrong 'zsh: _spanmill does not parse'
fi

# Each metric is in the table of its process, and the metrics in the text exist.
for process in agent mapper reducer export; do
    table=$(sed -n "/^| $process (/,/^\$/p" docs/OPERATING.md)
    for metric in $(grep -oh "\"spanmill_${process}_[a-z_]*\"" "$process"/"${process}_main.c" \
        "$process"/worker/"${process}_main.c" 2>/dev/null | tr -d '"'); do
        grep -q "\`${metric#spanmill_*_}[\`{]" <<<"$table" ||
            wrong "OPERATING.md does not tell $metric"
    done
done
for metric in $(grep -o 'spanmill_\(agent\|mapper\|reducer\|export\)_[a-z_]*[a-z]' docs/OPERATING.md | sort -u); do
    grep -q "\"$metric\"" agent/agent_main.c mapper/worker/mapper_main.c reducer/worker/reducer_main.c \
        export/worker/export_main.c ||
        wrong "OPERATING.md: there is no $metric"
done

# Each exported family is in the table of EXPORT.md, and the other way round.
families=$(grep -o '"spanmill_[a-z_]*"' export/views.c | tr -d '"' | sort)
told=$(sed -n 's/^| `\(spanmill_[a-z_]*\)` .*/\1/p' docs/EXPORT.md | sort)
[ "$families" = "$told" ] ||
    wrong "EXPORT.md and export/views.c differ: $(diff <(echo "$families") <(echo "$told"))"

for page in docs/man/*.1; do
    if command -v mandoc >/dev/null; then
        said=$(mandoc -T lint -W warning "$page") || wrong "$said"
    elif command -v groff >/dev/null; then
        said=$(groff -mdoc -ww -z "$page" 2>&1)
        [ -z "$said" ] || wrong "$said"
    fi
done

exit $failed
