#!/bin/sh
# A real Kafka broker on loopback, for tests: one node, broker and controller.
#
#     tests/kafka/broker.sh start FOLDER     FOLDER/bootstrap has its address then
#     tests/kafka/broker.sh kill FOLDER      kill -9
#     tests/kafka/broker.sh restart FOLDER   on the same data and ports
#     tests/kafka/broker.sh stop FOLDER      and takes the folder away
#
# KAFKA_JARS: the folder of tools/kafka/install.sh (build/kafka). KAFKA_VERSION: a broker of that version,
# from the folder KAFKA_JARS-VERSION. BROKER_HOST: where it listens for clients, instead of 127.0.0.1.
# BROKER_USERS: names of users, each its own password, who log in (SASL, PLAIN) at the address in FOLDER/clients and
# may do what ACLs grant them; who comes by FOLDER/bootstrap may do anything then. BROKER_TLS: a file with key and
# certificate (PEM): users log in by SCRAM-SHA-512 over TLS instead. BROKER_PROPERTIES: more lines for
# server.properties. BROKER_OWNER: a process with which the broker ends, also when it is killed; "parent" is the one
# that starts this script. A broker that still runs in FOLDER is ended by start. FOLDER/pid is java's own.
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
action=${1:?start, kill, restart or stop}
folder=${2:?a folder}
host=${BROKER_HOST:-127.0.0.1}
jars=${KAFKA_JARS:-$root/build/kafka}${KAFKA_VERSION:+-$KAFKA_VERSION}/jars

# Three free ports; another process may take them before the broker does: start tries again.
free_ports() {
    python3 -c '
import socket
sockets = [socket.socket() for _ in range(3)]
for each in sockets:
    each.bind(("127.0.0.1", 0))
print(*[each.getsockname()[1] for each in sockets])'
}

properties() {
    clients="" secured=SASL_PLAINTEXT
    [ -z "${BROKER_TLS-}" ] || secured=SASL_SSL
    [ -z "${BROKER_USERS-}" ] || clients=,CLIENTS://$host:$3
    cat <<EOF
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:$2
listeners=PLAINTEXT://$host:$1,CONTROLLER://127.0.0.1:$2$clients
advertised.listeners=PLAINTEXT://$host:$1$clients
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,CLIENTS:$secured
log.dirs=$folder/data
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=4
group.initial.rebalance.delay.ms=0
auto.create.topics.enable=false
log.cleaner.dedupe.buffer.size=2097152
log.cleaner.backoff.ms=500
group.min.session.timeout.ms=1000
broker.session.timeout.ms=2000
broker.heartbeat.interval.ms=200
transaction.abort.timed.out.transaction.cleanup.interval.ms=500
${BROKER_PROPERTIES-}
EOF
    [ -z "$clients" ] || users
}

users() {
    cat <<EOF
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
super.users=User:ANONYMOUS
EOF
    if [ -n "${BROKER_TLS-}" ]; then
        cat <<EOF
sasl.enabled.mechanisms=SCRAM-SHA-512
listener.name.clients.scram-sha-512.sasl.jaas.config=\\
    org.apache.kafka.common.security.scram.ScramLoginModule required;
ssl.keystore.type=PEM
ssl.keystore.location=$BROKER_TLS
EOF
        return
    fi
    cat <<EOF
sasl.enabled.mechanisms=PLAIN
listener.name.clients.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required \\
EOF
    for user in $BROKER_USERS; do
        printf '    user_%s="%s" \\\n' "$user" "$user"
    done
    echo '    ;'
}

# What the storage is made with; properties() has passwords of PLAIN.
passwords() {
    [ -z "${BROKER_TLS-}" ] || for user in $BROKER_USERS; do
        printf -- '--add-scram SCRAM-SHA-512=[name=%s,password=%s] ' "$user" "$user"
    done
}

# Versions 3 read the first, versions 4 the second.
logging() {
    cat >"$folder/log4j.properties" <<EOF
log4j.rootLogger=WARN, file
log4j.appender.file=org.apache.log4j.FileAppender
log4j.appender.file.File=$folder/log
log4j.appender.file.layout=org.apache.log4j.PatternLayout
log4j.appender.file.layout.ConversionPattern=%d %p %c %m%n
EOF
    cat >"$folder/log4j2.xml" <<EOF
<Configuration status="WARN">
  <Appenders><File name="file" fileName="$folder/log"><PatternLayout pattern="%d %p %c %m%n"/></File></Appenders>
  <Loggers><Root level="WARN"><AppenderRef ref="file"/></Root></Loggers>
</Configuration>
EOF
}

# In a subshell of its own, which becomes java. No files in /tmp for jps and the like: they would
# outlive a broker that is killed.
java_with() {
    exec java -Xms256m -Xmx384m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -XX:-UsePerfData \
        -Dlog4j.configuration="file:$folder/log4j.properties" \
        -Dlog4j2.configurationFile="file:$folder/log4j2.xml" -cp "$jars/*" "$@"
}

# Ends with its owner, if it has one, and so does the folder.
java_owned() {
    [ "${BROKER_OWNER-}" ] || java_with "$@"
    [ "$BROKER_OWNER" != parent ] || BROKER_OWNER=$PPID
    rm -f "$folder/pid"
    python3 -ISB "$root/tests/isolate.py" --owner "$BROKER_OWNER" --pid-file "$folder/pid" \
        "$0" java "$folder" "$@" && rm -rf "$folder"
}

is_running() {
    [ -s "$folder/pid" ] && kill -0 "$(cat "$folder/pid")" 2>/dev/null &&
        tr '\0' ' ' <"/proc/$(cat "$folder/pid")/cmdline" 2>/dev/null |
        grep -qF "kafka.Kafka $folder/"
}

# Starts the broker and waits until it answers; fails if it ends before.
run() {
    (java_owned kafka.Kafka "$folder/server.properties") >>"$folder/out" 2>&1 </dev/null &
    started=$!
    [ "${BROKER_OWNER-}" ] || echo "$started" >"$folder/pid"
    tries=0
    while [ "$tries" -lt 300 ]; do
        kill -0 "$started" 2>/dev/null || return 1
        if kcat -b "$(cat "$folder/bootstrap")" -L -m 2 >/dev/null 2>&1; then
            return 0
        fi
        tries=$((tries + 1))
        sleep 0.2
    done
    return 1
}

# A process that does not end on SIGTERM is killed. (A zombie has no command line: it does not run.)
end() {
    tries=0
    signal=$1
    while is_running; do
        [ "$tries" -lt 200 ] || signal=KILL
        [ "$tries" -ne 0 ] && [ "$signal" != KILL ] || kill "-$signal" "$(cat "$folder/pid")" || true
        tries=$((tries + 1))
        sleep 0.1
    done
}

start() {
    end KILL
    if [ ! -d "$jars" ]; then
        echo "broker: $jars is not there; tools/kafka/install.sh makes it" >&2
        return 1
    fi
    for attempt in 1 2 3; do
        rm -rf "$folder"
        mkdir -p "$folder"
        # shellcheck disable=SC2046 # three words
        set -- $(free_ports)
        properties "$@" >"$folder/server.properties"
        logging
        echo "$host:$1" >"$folder/bootstrap"
        [ -z "${BROKER_USERS-}" ] || echo "$host:$3" >"$folder/clients"
        # shellcheck disable=SC2046 # words without spaces
        if (java_with kafka.tools.StorageTool format -t MkU3OEVBNTcwNTJENDM2Qg \
            -c "$folder/server.properties" $(passwords)) >"$folder/out" 2>&1 && run; then
            echo "broker at $(cat "$folder/bootstrap"), pid $(cat "$folder/pid")"
            return 0
        fi
        echo "broker: attempt $attempt failed" >&2
        tail -n 20 "$folder/out" "$folder/log" >&2 || true
        end KILL
    done
    return 1
}

case $folder in
/*) ;;
*) folder=$PWD/$folder ;;
esac
case $action in
start) start ;;
java)
    shift 2
    java_with "$@"
    ;;
kill) end KILL ;;
restart)
    end KILL
    run
    ;;
stop)
    end TERM
    rm -rf "$folder"
    ;;
*)
    echo "usage: $0 start|kill|restart|stop FOLDER" >&2
    exit 2
    ;;
esac
