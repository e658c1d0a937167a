#include "base/crash.h"
#include "export/worker/export_worker.h"

static void count(const struct export_worker *worker, const struct export_output *output,
                  const struct output_answer *answer)
{
    struct metrics *metrics = service_metrics(worker->member.service);
    metrics_add(metrics, METRIC_REQUESTS, output->word, answer->requests);
    metrics_add(metrics, METRIC_SENT_BYTES, output->word, answer->bytes);
    metrics_add(metrics, METRIC_DENIED, output->word, answer->denied);
}

static void say_refused(const struct export_worker *worker, const struct export_output *output,
                        const struct output_answer *answer)
{
    log_say(service_log(worker->member.service), LOG_WARNING, "samples refused",
            log_text("output", output->kind->name),
            log_text("session", worker->interval.samples.session.at),
            log_integer("chunk", (int64_t)worker->interval.samples.chunk),
            log_integer("samples", (int64_t)answer->refused),
            log_text("why", answer->refusal.text));
}

static void put_to(struct export_worker *worker, const struct export_output *output,
                   struct output_answer *answer)
{
    struct record_sink sinks[OUTPUT_TOPICS];
    for (size_t topic = 0; topic < OUTPUT_TOPICS; topic++)
        sinks[topic] = outbox_sink(&worker->part->queues[QUEUE_PUT + topic]);
    output->kind->put(output->self, &worker->interval, sinks, answer);
}

/* RETRY: later. */
static enum status send_to(struct export_worker *worker, struct export_output *output,
                           struct output_answer *answer, struct failure *why)
{
    struct metrics *metrics = service_metrics(worker->member.service);
    struct output_patience patience = {member_is_over, &worker->member};
    uint64_t begin_ms = service_now_ms();
    enum status status = STATUS_OK;
    if (output->kind->put)
        put_to(worker, output, answer);
    else
        status = output->kind->send(output->self, &worker->interval, &patience, answer, why);
    count(worker, output, answer);
    if (answer->notice)
        log_say(service_log(worker->member.service), LOG_INFO, answer->notice,
                log_text("output", output->kind->name));
    if (status != STATUS_OK) {
        metrics_add(metrics, METRIC_RETRIES, output->word, 1);
        return status;
    }
    metrics_observe(metrics, METRIC_SEND_TIME, output->word, service_now_ms() - begin_ms);
    metrics_add(metrics, METRIC_SAMPLES, output->word, answer->taken);
    metrics_add(metrics, METRIC_REFUSED, output->word, answer->refused);
    metrics_add(metrics, METRIC_REFUSED_EXEMPLARS, output->word, answer->refused_exemplars);
    metrics_add(metrics, METRIC_OUTDATED, output->word, answer->outdated);
    if (answer->refused > 0)
        say_refused(worker, output, answer);
    output->done = true;
    return STATUS_OK;
}

/* Logged once at the begin; denied access is an error. */
static void say_blocked(struct export_worker *worker, const struct export_output *output,
                        const struct output_answer *answer, const struct failure *why)
{
    if (worker->blocked_since_ms > 0)
        return;
    worker->blocked_since_ms = service_now_ms();
    log_say(service_log(worker->member.service), answer->denied ? LOG_ERROR : LOG_WARNING,
            "receiver does not accept samples", log_text("output", output->kind->name),
            log_text("why", why->text), log_text("what", "keeping them for a retry"));
}

static void say_unblocked(struct export_worker *worker)
{
    if (worker->blocked_since_ms == 0)
        return;
    log_say(service_log(worker->member.service), LOG_INFO, "receivers accept samples again",
            log_real("seconds", (double)(service_now_ms() - worker->blocked_since_ms) / 1000));
    worker->blocked_since_ms = 0;
}

static uint64_t opened(const struct samples *samples)
{
    uint64_t count = 0;
    for (size_t i = 0; i < samples->count; i++)
        count += samples->at[i].opens;
    return count;
}

void export_send(struct export_worker *worker)
{
    if (!worker->member.is_busy || service_now_ms() < worker->try_ms)
        return;
    for (size_t i = 0; i < worker->output_count; i++) {
        struct output_answer answer = {.taken = 0};
        struct failure why = {""};
        if (worker->outputs[i].done ||
            send_to(worker, &worker->outputs[i], &answer, &why) == STATUS_OK)
            continue;
        say_blocked(worker, &worker->outputs[i], &answer, &why);
        uint64_t wait_ms = backoff_next_ms(&worker->trying);
        worker->try_ms = service_now_ms() + (answer.wait_ms > wait_ms ? answer.wait_ms : wait_ms);
        return;
    }
    say_unblocked(worker);
    backoff_reset(&worker->trying);
    worker->member.is_busy = false;
    metrics_add(service_metrics(worker->member.service), METRIC_INTERVALS, 0, 1);
    metrics_add(service_metrics(worker->member.service), METRIC_OPENED, 0,
                opened(&worker->interval.samples));
    crash_point("export-sent");
}
