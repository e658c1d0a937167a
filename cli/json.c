#include "cli/json.h"

#include <inttypes.h>

#include "cli/utf8.h"

/* How many characters from the begin stand for themselves. */
static size_t plain_prefix(struct text text)
{
    size_t count = 0;
    while (count < text.count && text.at[count] >= 0x20 && text.at[count] < 0x7f &&
           text.at[count] != '"' && text.at[count] != '\\')
        count++;
    return count;
}

void json_write_text(FILE *out, struct text text)
{
    fputc('"', out);
    while (text.count) {
        size_t plain = plain_prefix(text);
        if (plain > 0) {
            fwrite(text.at, 1, plain, out);
            text = (struct text){text.at + plain, text.count - plain};
            continue;
        }
        uint32_t character = utf8_take(&text);
        char room[4];
        if (character == '"' || character == '\\')
            fprintf(out, "\\%c", (int)character);
        else if (character < 0x20 || character == 0x7f)
            fprintf(out, "\\u%04x", (unsigned)character);
        else
            fwrite(room, 1, utf8_put(character, room), out);
    }
    fputc('"', out);
}

static void write_string(FILE *out, const char *string)
{
    if (string)
        json_write_text(out, text_of(string));
    else
        fputs("null", out);
}

/* Every object begins so; the fields after it bring their own commas. */
static void begin_object(FILE *out, const char *type, const struct session_report *session)
{
    fprintf(out, "{\"type\":\"%s\",\"session\":", type);
    write_string(out, session->session);
}

static void end_object(FILE *out)
{
    fputs("}\n", out);
}

static void field_name(FILE *out, const char *name)
{
    fputs(",\"", out);
    fputs(name, out);
    fputs("\":", out);
}

/* Like printf(), at a fraction of its cost: numbers are most of a report. */
static void put_number(FILE *out, uint64_t number)
{
    char digits[20];
    size_t at = sizeof digits;
    do {
        digits[--at] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    fwrite(digits + at, 1, sizeof digits - at, out);
}

static void string_field(FILE *out, const char *name, const char *string)
{
    field_name(out, name);
    write_string(out, string);
}

static void number_field(FILE *out, const char *name, uint64_t number)
{
    field_name(out, name);
    put_number(out, number);
}

/* REPORT_NONE is null. */
static void signed_field(FILE *out, const char *name, int64_t number)
{
    field_name(out, name);
    if (number == REPORT_NONE) {
        fputs("null", out);
        return;
    }
    if (number < 0)
        fputc('-', out);
    put_number(out, number < 0 ? 0 - (uint64_t)number : (uint64_t)number);
}

static void hard_field(FILE *out, const char *name, bool hard)
{
    string_field(out, name, hard ? "hard" : "soft");
}

static void named_field(FILE *out, const char *name, struct named_numbers numbers)
{
    fprintf(out, ",\"%s\":{", name);
    for (size_t i = 0; i < numbers.count; i++) {
        if (i)
            fputc(',', out);
        write_string(out, numbers.at[i].name);
        fputc(':', out);
        put_number(out, numbers.at[i].number);
    }
    fputc('}', out);
}

static void duration_fields(FILE *out, const struct durations *durations)
{
    number_field(out, "total_ns", durations->total_ns);
    if (durations->count) {
        number_field(out, "min_ns", durations->min_ns);
        number_field(out, "max_ns", durations->max_ns);
    } else {
        fputs(",\"min_ns\":null,\"max_ns\":null", out);
    }
}

/* Beyond the contract: quantiles, and the histogram as {floor(log2(ns)): count}. */
static void histogram_fields(FILE *out, const struct durations *durations)
{
    const struct histogram *histogram = durations->histogram;
    if (!histogram || durations->count == 0)
        return;
    number_field(out, "p50_ns",
                 histogram_quantile(histogram, 0.5, durations->min_ns, durations->max_ns));
    number_field(out, "p99_ns",
                 histogram_quantile(histogram, 0.99, durations->min_ns, durations->max_ns));
    fputs(",\"log2_ns\":{", out);
    const char *comma = "";
    for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++) {
        if (histogram->count[i] == 0)
            continue;
        fprintf(out, "%s\"%u\":%" PRIu32, comma, i, histogram->count[i]);
        comma = ",";
    }
    fputc('}', out);
}

static void write_summary(FILE *out, const struct session_report *session)
{
    begin_object(out, "summary", session);
    number_field(out, "chunks", session->chunks);
    number_field(out, "events", session->events);
    number_field(out, "discarded", session->discarded);
    signed_field(out, "begin_ns", session->begin_ns);
    signed_field(out, "end_ns", session->end_ns);
    fputs(",\"hosts\":[", out);
    for (size_t i = 0; i < session->host_count; i++) {
        if (i)
            fputc(',', out);
        write_string(out, session->hosts[i]);
    }
    fputc(']', out);
    number_field(out, "domains", session->domain_count);
    number_field(out, "lost_intervals", session->lost_intervals);
    number_field(out, "loss_borders", session->loss_borders);
    end_object(out);
}

static void write_processes(FILE *out, const struct session_report *session)
{
    for (size_t i = 0; i < session->process_count; i++) {
        const struct process_row *row = &session->processes[i];
        begin_object(out, "process", session);
        signed_field(out, "pid", row->pid);
        string_field(out, "process", row->process);
        signed_field(out, "ppid", row->ppid);
        signed_field(out, "begin_ns", row->begin_ns);
        hard_field(out, "begin", row->begin_hard);
        signed_field(out, "end_ns", row->end_ns);
        hard_field(out, "end", row->end_hard);
        number_field(out, "threads", row->threads);
        number_field(out, "cpu_ns", row->cpu_ns);
        end_object(out);
    }
}

static void write_threads(FILE *out, const struct session_report *session)
{
    for (size_t i = 0; i < session->thread_count; i++) {
        const struct thread_row *row = &session->threads[i];
        begin_object(out, "thread", session);
        signed_field(out, "tid", row->tid);
        signed_field(out, "begin_ns", row->begin_ns);
        signed_field(out, "pid", row->pid);
        string_field(out, "name", row->name);
        hard_field(out, "begin", row->begin_hard);
        signed_field(out, "end_ns", row->end_ns);
        hard_field(out, "end", row->end_hard);
        number_field(out, "cpu_ns", row->cpu_ns);
        number_field(out, "switches", row->switches);
        number_field(out, "user_cpu_ns", row->user_cpu_ns);
        number_field(out, "sys_cpu_ns", row->sys_cpu_ns);
        number_field(out, "runnable_ns", row->runnable_ns);
        number_field(out, "blocked_ns", row->blocked_ns);
        number_field(out, "unknown_ns", row->unknown_ns);
        end_object(out);
    }
}

static void write_syscalls(FILE *out, const struct session_report *session)
{
    for (size_t i = 0; i < session->syscall_count; i++) {
        const struct syscall_row *row = &session->syscalls[i];
        begin_object(out, "syscall", session);
        signed_field(out, "pid", row->pid);
        string_field(out, "phase", row->phase);
        string_field(out, "syscall", row->syscall);
        string_field(out, "process", row->process);
        number_field(out, "count", row->complete.count);
        named_field(out, "errors", row->errors);
        duration_fields(out, &row->complete);
        number_field(out, "bytes", row->bytes);
        number_field(out, "begin_unknown", row->begin_unknown);
        number_field(out, "end_unknown", row->end_unknown);
        histogram_fields(out, &row->complete);
        if (row->complete.count) {
            signed_field(out, "slowest_tid", row->slowest_tid);
            signed_field(out, "slowest_begin_ns", row->slowest_begin_ns);
        }
        end_object(out);
    }
}

static void write_phases(FILE *out, const struct session_report *session)
{
    for (size_t i = 0; i < session->phase_count; i++) {
        const struct phase_row *row = &session->phases[i];
        begin_object(out, "phase", session);
        signed_field(out, "pid", row->pid);
        string_field(out, "phase", row->phase);
        string_field(out, "process", row->process);
        number_field(out, "count", row->complete.count);
        duration_fields(out, &row->complete);
        number_field(out, "begin_unknown", row->begin_unknown);
        number_field(out, "end_unknown", row->end_unknown);
        number_field(out, "user_cpu_ns", row->user_cpu_ns);
        number_field(out, "sys_cpu_ns", row->sys_cpu_ns);
        number_field(out, "runnable_ns", row->runnable_ns);
        number_field(out, "blocked_ns", row->blocked_ns);
        number_field(out, "unknown_ns", row->unknown_ns);
        named_field(out, "blocked_by", row->blocked_by);
        number_field(out, "syscalls", row->syscalls);
        histogram_fields(out, &row->complete);
        end_object(out);
    }
}

static void write_fds(FILE *out, const struct session_report *session)
{
    for (size_t i = 0; i < session->fd_count; i++) {
        const struct fd_row *row = &session->fds[i];
        begin_object(out, "fd", session);
        signed_field(out, "pid", row->pid);
        signed_field(out, "fd", row->fd);
        signed_field(out, "begin_ns", row->begin_ns);
        string_field(out, "name", row->name);
        string_field(out, "kind", row->kind);
        hard_field(out, "begin", row->begin_hard);
        signed_field(out, "end_ns", row->end_ns);
        hard_field(out, "end", row->end_hard);
        number_field(out, "calls", row->calls);
        number_field(out, "read_bytes", row->read_bytes);
        number_field(out, "write_bytes", row->write_bytes);
        number_field(out, "total_ns", row->total_ns);
        end_object(out);
    }
}

static void write_cpus(FILE *out, const struct session_report *session)
{
    for (size_t i = 0; i < session->cpu_count; i++) {
        begin_object(out, "cpu", session);
        signed_field(out, "cpu", session->cpus[i].cpu);
        number_field(out, "busy_ns", session->cpus[i].busy_ns);
        end_object(out);
    }
}

static void write_scheds(FILE *out, const struct session_report *session)
{
    for (size_t i = 0; i < session->sched_count; i++) {
        const struct sched_row *row = &session->scheds[i];
        begin_object(out, "sched", session);
        signed_field(out, "tid", row->tid);
        signed_field(out, "begin_ns", row->begin_ns);
        signed_field(out, "pid", row->pid);
        number_field(out, "count", row->latency.count);
        duration_fields(out, &row->latency);
        string_field(out, "name", row->name);
        histogram_fields(out, &row->latency);
        end_object(out);
    }
}

static void write_files(FILE *out, const struct session_report *session)
{
    for (size_t i = 0; i < session->file_count; i++) {
        const struct file_row *row = &session->files[i];
        begin_object(out, "file", session);
        signed_field(out, "pid", row->pid);
        string_field(out, "phase", row->phase);
        string_field(out, "name", row->name);
        string_field(out, "kind", row->kind);
        string_field(out, "process", row->process);
        signed_field(out, "fd", row->fd);
        number_field(out, "count", row->calls.count);
        duration_fields(out, &row->calls);
        number_field(out, "read_bytes", row->read_bytes);
        number_field(out, "write_bytes", row->write_bytes);
        histogram_fields(out, &row->calls);
        end_object(out);
    }
}

/* Types in the order of the contract; within one, sessions and rows are sorted already. */
static void (*const writers[])(FILE *out, const struct session_report *session) = {
    write_summary, write_processes, write_threads, write_syscalls, write_phases,
    write_fds,     write_cpus,      write_scheds,  write_files,
};

void report_write_json(FILE *out, const struct report *report)
{
    for (size_t type = 0; type < sizeof writers / sizeof *writers; type++)
        for (size_t i = 0; i < report->session_count; i++)
            writers[type](out, &report->sessions[i]);
}
