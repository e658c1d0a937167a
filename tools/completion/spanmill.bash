# bash completion for spanmill(1).

_spanmill()
{
    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]}
    local command=${COMP_WORDS[1]}
    # `--format=json` comes as three words.
    if [[ $word == = ]]; then
        word=
    elif [[ $before == = && $COMP_CWORD -gt 2 ]]; then
        before=${COMP_WORDS[COMP_CWORD - 2]}
    fi

    if [[ $COMP_CWORD -eq 1 ]]; then
        mapfile -t COMPREPLY < <(compgen -W 'report pack help --help --version' -- "$word")
        return
    fi
    case $command:$before in
    help:help)
        mapfile -t COMPREPLY < <(compgen -W 'report pack' -- "$word")
        return
        ;;
    report:--format | report:-f)
        mapfile -t COMPREPLY < <(compgen -W 'text json' -- "$word")
        return
        ;;
    report:--color | report:--progress)
        mapfile -t COMPREPLY < <(compgen -W 'auto always never' -- "$word")
        return
        ;;
    report:--phases | report:-p)
        compopt -o filenames
        mapfile -t COMPREPLY < <(compgen -d -- "$word"; compgen -f -X '!*.y?(a)ml' -- "$word")
        return
        ;;
    report:--phase | report:--top | report:-n | report:--pid | report:--process | report:--since | \
        report:--until | report:--jobs | report:-j | report:--reader | pack:--level)
        return
        ;;
    pack:--output | pack:-o)
        compopt -o filenames
        mapfile -t COMPREPLY < <(compgen -d -- "$word")
        return
        ;;
    esac
    if [[ $word == -* ]]; then
        local options='--help --version --output'
        case $command in
        report)
            options+=' --phases --phase --format --top --pid --process --since --until --jobs'
            options+=' --strict --stats --reader --color --progress'
            ;;
        pack) options+=' --level' ;;
        *) options='--help --version' ;;
        esac
        mapfile -t COMPREPLY < <(compgen -W "$options" -- "$word")
        return
    fi
    # Folders, and archives.
    compopt -o filenames
    if [[ $before == --output || $before == -o ]]; then
        mapfile -t COMPREPLY < <(compgen -f -- "$word")
    else
        mapfile -t COMPREPLY < <(compgen -d -- "$word"; compgen -f -X '!*.tar.zst' -- "$word")
    fi
}

complete -F _spanmill spanmill
