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

# bash: what comes after some words.
complete_words() {
    bash -c '
        compopt() { :; }
        . tools/completion/spanmill.bash
        COMP_WORDS=("$@")
        COMP_CWORD=$(($# - 1))
        _spanmill
        echo "${COMPREPLY[*]}"' complete "$@"
}

for command in report pack results rejected; do
    page=docs/man/spanmill-$command.1
    # Rows of the help, without the examples.
    help=$("$SPANMILL" "$command" --help | sed '/^Examples:/,$d' | grep '^ ')
    known=$(options_of <<<"$help")
    [ "$(wc -w <<<"$known")" -ge 4 ] || wrong "spanmill $command --help shows no options"
    told=$(sed -n 's/^\.It //p' "$page" | sed 's/Fl -/--/g' | options_of)
    [ "$known" = "$told" ] ||
        wrong "$page and --help differ: $(diff <(echo "$known") <(echo "$told"))"
    letters=$(grep -o '^  -[a-zA-Z],' <<<"$help" | tr -d ' ,')
    for letter in $letters; do
        grep -q -- "^\.It Fl ${letter#-} " "$page" || wrong "$page does not tell $letter"
    done

    for option in $known; do
        grep -q -- "[ '(]$option\b" tools/completion/spanmill.bash ||
            wrong "spanmill.bash does not know $option"
        sed -n "/^    $command)/,/;;/p; /always=/,/^    )/p; /pool=/,/^    )/p" \
            tools/completion/_spanmill |
            grep -q -- "[{',*]${option}[[}\[]" || wrong "_spanmill: $command does not know $option"
    done
done

commands=$("$SPANMILL" --help | sed -n '/^Examples:/q; s/^  \([a-z]\{3,\}\) .*/\1/p')
[ "$(wc -w <<<"$commands")" -ge 2 ] || wrong 'spanmill --help shows no commands'
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
if command -v zsh >/dev/null; then
    zsh -n tools/completion/_spanmill || wrong 'zsh: _spanmill does not parse'
fi

for page in docs/man/*.1; do
    if command -v mandoc >/dev/null; then
        said=$(mandoc -T lint -W warning "$page") || wrong "$said"
    elif command -v groff >/dev/null; then
        said=$(groff -mdoc -ww -z "$page" 2>&1)
        [ -z "$said" ] || wrong "$said"
    fi
done

exit $failed
