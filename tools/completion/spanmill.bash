# bash completion for spanmill(1) and the services of the pool.

_spanmill()
{
    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]}
    local command=${COMP_WORDS[1]}
    # `--format=json` is passed as three words.
    if [[ $word == = ]]; then
        word=
    elif [[ $before == = && $COMP_CWORD -gt 2 ]]; then
        before=${COMP_WORDS[COMP_CWORD - 2]}
    fi

    if [[ $COMP_CWORD -eq 1 ]]; then
        local commands='report explain log events pack publish results status parked topics help'
        mapfile -t COMPREPLY < <(compgen -W "$commands --help --version" -- "$word")
        return
    fi
    case $command:$before in
    help:help)
        mapfile -t COMPREPLY < <(compgen -W 'report explain log events pack publish results status parked topics' -- "$word")
        return
        ;;
    report:--format | report:-f | events:--format | events:-f | results:--format | results:-f | status:--format | status:-f | parked:--format | parked:-f)
        mapfile -t COMPREPLY < <(compgen -W 'text json' -- "$word")
        return
        ;;
    report:--color | report:--progress | explain:--progress | log:--progress | results:--color | status:--color | parked:--color)
        mapfile -t COMPREPLY < <(compgen -W 'auto always never' -- "$word")
        return
        ;;
    report:--definitions | report:--phases | report:-p | explain:--definitions | explain:--phases | explain:-p | \
        log:--definitions | log:--phases | log:-p)
        compopt -o filenames
        mapfile -t COMPREPLY < <(compgen -d -- "$word"; compgen -f -X '!*.y?(a)ml' -- "$word")
        return
        ;;
    report:--phase | report:--top | report:-n | report:--pid | report:--process | report:--since | \
        report:--until | report:--jobs | report:-j | pack:--level)
        return
        ;;
    log:-e | log:--call | log:--phase | log:--event | log:--error | log:--longer | log:--pid | log:--tid | \
        log:--process | log:--since | log:--until | explain:--phase | explain:--slowest | explain:-n | \
        explain:--of | explain:--instance | explain:--at | explain:--tid | \
        explain:--since | explain:--until | explain:-[bXs] | explain:--brokers | explain:--prefix | \
        explain:--kafka | explain:--session)
        return
        ;;
    report:--html | report:--perfetto | explain:--perfetto | log:--output | log:-o | events:--output | events:-o)
        compopt -o filenames
        mapfile -t COMPREPLY < <(compgen -f -- "$word")
        return
        ;;
    report:--reader)
        mapfile -t COMPREPLY < <(compgen -W 'auto spanmill babeltrace2' -- "$word")
        return
        ;;
    results:--from)
        mapfile -t COMPREPLY < <(compgen -W 'begin end' -- "$word")
        return
        ;;
    parked:--kind)
        mapfile -t COMPREPLY < <(compgen -W 'damaged fetch limit tries' -- "$word")
        return
        ;;
    results:--config | explain:--config | status:--config | parked:--config | publish:--config | topics:--config)
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
        results:--every | results:--since | results:--until | results:--session | results:--pid | results:--process | \
        status:-[bXs] | status:--brokers | status:--prefix | status:--kafka | status:--session | \
        status:--every | parked:-[bXs] | parked:--brokers | parked:--prefix | parked:--kafka | \
        parked:--session | parked:--chunk)
        return
        ;;
    publish:-[bX] | publish:--brokers | publish:--prefix | publish:--kafka | publish:--level | publish:--zstd-threads | \
        publish:--inline-max | publish:--shuffle | publish:--twice-every | topics:-[bX] | \
        topics:--brokers | topics:--prefix | topics:--kafka | topics:--chunk-partitions | \
        topics:--partitions | topics:--replication | topics:--min-insync | topics:--retention | \
        topics:--parked-retention | topics:--state-segment | topics:--state-dirty)
        return
        ;;
    pack:--output | pack:-o | publish:--store-root | explain:--store-root)
        compopt -o filenames
        mapfile -t COMPREPLY < <(compgen -d -- "$word")
        return
        ;;
    esac
    if [[ $word == -* ]]; then
        local options='--help --version --output'
        case $command in
        report)
            options+=' --definitions --phases --phase --format --top --pid --process --since --until --jobs'
            options+=' --html --perfetto --strict --stats --reader --color --progress'
            ;;
        explain)
            options='--help --version --definitions --phases --phase --slowest --of --instance --at --tid --since --until --unfolded'
            options+=' --perfetto --progress --session --store-root --brokers --prefix --kafka --config --print-config'
            ;;
        log)
            options+=' --pid --tid --process --definitions --phases --phase --call --event --failed --error --longer --since'
            options+=' --until --numbers --cpu --progress'
            ;;
        events) options+=' --format' ;;
        pack) options+=' --level' ;;
        publish)
            options='--help --version --level --zstd-threads --store-root --by-reference --inline-max --open'
            options+=' --shuffle --twice-every --quiet --brokers --prefix --kafka --config'
            options+=' --print-config'
            ;;
        topics)
            options='--help --version --chunk-partitions --partitions --replication --min-insync'
            options+=' --retention --parked-retention --state-segment --state-dirty --brokers'
            options+=' --prefix --kafka --config --print-config'
            ;;
        results)
            options+=' --follow --every --since --until --from --forget --format --top --session --pid --process'
            options+=' --strict --color --brokers --prefix --kafka --config --print-config'
            ;;
        status)
            options='--help --version --every --session --format --strict --color'
            options+=' --brokers --prefix --kafka --config --print-config'
            ;;
        parked)
            options='--help --version --resend --session --chunk --kind --all --format --color'
            options+=' --brokers --prefix --kafka --config --print-config'
            ;;
        *) options='--help --version' ;;
        esac
        mapfile -t COMPREPLY < <(compgen -W "$options" -- "$word")
        return
    fi
    if [[ $command == topics ]]; then
        mapfile -t COMPREPLY < <(compgen -W 'create check print' -- "$word")
        return
    fi
    [[ $command != results && $command != status && $command != parked ]] || return
    # Folders, and archives.
    compopt -o filenames
    if [[ $before == --output || $before == -o ]]; then
        mapfile -t COMPREPLY < <(compgen -f -- "$word")
    else
        mapfile -t COMPREPLY < <(compgen -d -- "$word"; compgen -f -X '!*.tar.zst' -- "$word")
    fi
}

# Services print their options themselves.
_spanmill_service()
{
    local word=${COMP_WORDS[COMP_CWORD]}
    if [[ $word == -* ]]; then
        mapfile -t COMPREPLY < <(compgen -W "$("$1" --help | grep -o -- '--[a-z][a-z-]*')" -- "$word")
    else
        compopt -o filenames
        mapfile -t COMPREPLY < <(compgen -f -- "$word")
    fi
}

complete -F _spanmill spanmill
complete -F _spanmill_service spanmill-agent spanmill-export spanmill-mapper spanmill-reducer
