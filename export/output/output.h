/* export/output/output.h -- where intervals go: one file and one row of the table for each receiver.
 *
 * The worker (export/worker) owns order, retrying and offsets: an output sends what it is given, and
 * says what became of it. */
#ifndef EXPORT_OUTPUT_OUTPUT_H
#define EXPORT_OUTPUT_OUTPUT_H

#include "base/failure.h"
#include "config/config.h"
#include "export/interval.h"

/* What became of the items that were sent: samples, spans, rows, whatever the receiver counts. */
struct output_answer {
    uint64_t taken;
    uint64_t refused;           /* and never will be taken: they are dropped */
    struct failure refusal;     /* the last sentence of the receiver about these */
    uint64_t refused_exemplars; /* of them; the samples that had them are taken */
    uint64_t outdated;        /* of intervals before, sent by then, and known to be otherwise now */
    uint64_t requests, bytes; /* sent, those that failed among them */
    bool denied;              /* RETRY: it answers, and will not have us: somebody has to look */
    const char *notice;       /* something about the receiver that is to be told; NULL: nothing */
    uint64_t wait_ms;         /* RETRY: it asks to be left alone for so long; 0: it does not say */
};

/* Called between requests: true to give up, with RETRY. */
struct output_patience {
    bool (*over)(void *context);
    void *context;
};

/* Topics of others, on the brokers that results come from. */
enum output_topic { OUTPUT_TOPIC_SPANS, OUTPUT_TOPIC_METRICS, OUTPUT_TOPICS };

struct output_kind {
    const char *name;   /* in metrics and log lines */
    const char *option; /* that names the receiver: if it is given, the output is on */
    const struct config_section *section;           /* NULL: another output has its settings */
    bool (*is_wanted)(const struct config *config); /* NULL: as `option` says */
    /* `config` is borrowed until close(). REJECT: a setting. */
    enum status (*open)(const struct config *config, void **out, struct failure *why);
    /* Sends what it makes of an interval: of its samples, its results, or both. What it sends again
     * must not count again: receivers know it by what it is called. OK: each item is taken or refused.
     * RETRY: not now; the interval has to be sent again, all of it. */
    enum status (*send)(void *output, const struct export_interval *interval,
                        const struct output_patience *patience, struct output_answer *answer,
                        struct failure *why);
    /* In place of send(), of an output whose receiver reads a topic: gives the sinks records, which go out
     * with the transaction that commits the interval. */
    void (*put)(void *output, const struct export_interval *interval,
                const struct record_sink sinks[OUTPUT_TOPICS], struct output_answer *answer);
    /* Of an output with put(): what the topic is called; it lives as long as the output. */
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
