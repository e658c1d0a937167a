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
        mapfile -t COMPREPLY < <(compgen -W 'report pack results rejected help --help --version' -- "$word")
        return
    fi
    case $command:$before in
    help:help)
        mapfile -t COMPREPLY < <(compgen -W 'report pack results rejected' -- "$word")
        return
        ;;
    report:--format | report:-f | results:--format | results:-f | rejected:--format | rejected:-f)
        mapfile -t COMPREPLY < <(compgen -W 'text json' -- "$word")
        return
        ;;
    report:--color | report:--progress | results:--color | rejected:--color)
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
    results:--from)
        mapfile -t COMPREPLY < <(compgen -W 'begin end' -- "$word")
        return
        ;;
    rejected:--kind)
        mapfile -t COMPREPLY < <(compgen -W 'damaged fetch limit tries' -- "$word")
        return
        ;;
    results:--config | rejected:--config)
        compopt -o filenames
        mapfile -t COMPREPLY < <(compgen -d -- "$word"; compgen -f -X '!*.y?(a)ml' -- "$word")
        return
        ;;
    results:--output | results:-o)
        compopt -o filenames
        mapfile -t COMPREPLY < <(compgen -f -- "$word")
        return
        ;;
    results:-[bXns] | results:--brokers | results:--prefix | results:--kafka | results:--top | \
        results:--every | results:--session | results:--pid | results:--process | \
        rejected:-[bXs] | rejected:--brokers | rejected:--prefix | rejected:--kafka | \
        rejected:--session | rejected:--chunk)
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
        results)
            options+=' --follow --every --from --forget --format --top --session --pid --process'
            options+=' --strict --color --brokers --prefix --kafka --config --print-config'
            ;;
        rejected)
            options='--help --version --resend --session --chunk --kind --all --format --color'
            options+=' --brokers --prefix --kafka --config --print-config'
            ;;
        *) options='--help --version' ;;
        esac
        mapfile -t COMPREPLY < <(compgen -W "$options" -- "$word")
        return
    fi
    [[ $command != results && $command != rejected ]] || return
    # Folders, and archives.
    compopt -o filenames
    if [[ $before == --output || $before == -o ]]; then
        mapfile -t COMPREPLY < <(compgen -f -- "$word")
    else
        mapfile -t COMPREPLY < <(compgen -d -- "$word"; compgen -f -X '!*.tar.zst' -- "$word")
    fi
}

complete -F _spanmill spanmill
