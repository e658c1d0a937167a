/* export/output/output.h -- receivers of intervals: one file and one row of the table for each.
 *
 * The worker (export/worker) is responsible for order, retries and offsets; an output sends an
 * interval and returns the outcome. */
#ifndef EXPORT_OUTPUT_OUTPUT_H
#define EXPORT_OUTPUT_OUTPUT_H

#include "base/failure.h"
#include "config/config.h"
#include "export/interval.h"

/* The outcome for the sent items: samples, spans, rows, whatever the receiver counts. */
struct output_answer {
    uint64_t taken;
    uint64_t refused;           /* permanently: they are dropped */
    struct failure refusal;     /* the receiver's last message about refused items */
    uint64_t refused_exemplars; /* the samples with them were accepted */
    uint64_t outdated;          /* sent in earlier intervals, and known to be wrong now */
    uint64_t requests, bytes;   /* sent, including failed ones */
    bool denied;                /* RETRY: the receiver denies access: needs an operator */
    const char *notice;         /* to be logged about the receiver; NULL: nothing */
    uint64_t wait_ms;           /* RETRY: the receiver asks to wait this long; 0: it does not */
};

/* Called between requests: true to give up, with RETRY. */
struct output_patience {
    bool (*over)(void *context);
    void *context;
};

/* Topics of other programs, on the same brokers as the results. */
enum output_topic { OUTPUT_TOPIC_SPANS, OUTPUT_TOPIC_METRICS, OUTPUT_TOPICS };

struct output_kind {
    const char *name;                               /* in metrics and log lines */
    const char *option;                             /* names the receiver; enables the output */
    const struct config_section *section;           /* NULL: another output has its settings */
    bool (*is_wanted)(const struct config *config); /* NULL: if `option` is given */
    /* `config` is borrowed until close(). REJECT: a setting. */
    enum status (*open)(const struct config *config, void **out, struct failure *why);
    /* Sends the samples or results of an interval, or both. Items that are sent again must not
     * count again: they have the same keys. OK: each item is accepted or refused. RETRY: not now;
     * the whole interval must be sent again. */
    enum status (*send)(void *output, const struct export_interval *interval,
                        const struct output_patience *patience, struct output_answer *answer,
                        struct failure *why);
    /* Instead of send(), if the receiver reads a topic: passes records to the sinks, which are sent
     * in the transaction that commits the interval. */
    void (*put)(void *output, const struct export_interval *interval,
                const struct record_sink sinks[OUTPUT_TOPICS], struct output_answer *answer);
    /* For an output with put(): the name of the topic, valid as long as the output. */
    const char *(*topic)(const void *output, enum output_topic topic);
    void (*close)(void *output);
};

enum { OUTPUT_KINDS = 5 };
extern const struct output_kind *const output_kinds[OUTPUT_KINDS];
/* Their names in one string, as labels of metrics (health/metrics.h). */
#define OUTPUT_WORDS "remote_write otlp_traces otlp_metrics otlp_kafka postgres"

/* export/output/remote_write.c, otlp.c, otlp_kafka.c, postgres.c */
extern const struct output_kind output_remote_write, output_otlp_traces, output_otlp_metrics,
    output_otlp_kafka, output_postgres;

#endif
