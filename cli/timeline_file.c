#include "cli/timeline_file.h"

#include <signal.h>
#include <stdlib.h>

#include "base/memory.h"
#include "cli/commands.h"
#include "cli/render/quantity.h"
#include "cli/stop_signals.h"

bool timeline_file_open(struct timeline_file *file, const char *path, struct traces *traces)
{
    *file = (struct timeline_file){.is_open = false};
    if (!path)
        return true;
    size_t first = traces_session_end(&traces->list, 0);
    struct failure why;
    if (first < traces->list.count) {
        char *sentence = memory_format(
            "--perfetto: a timeline covers one session, but the traces are of `%s` and `%s`",
            traces->list.at[0].session, traces->list.at[first].session);
        progress_say(traces->progress, sentence);
        free(sentence);
        return false;
    }
    if (report_file_open(&file->file, path, &why) != STATUS_OK) {
        progress_say(traces->progress, why.text);
        return false;
    }
    file->is_open = true;
    return true;
}

struct timeline_options timeline_file_options(struct traces *traces,
                                              const struct session_report *report)
{
    return (struct timeline_options){
        .chunks = traces->list.at,
        .count = traces->list.count,
        .phases = &traces->phases,
        .report = report,
        .warnings = {.say = progress_say_once, .context = traces->progress},
        .stop = stop_signals_pending};
}

static void say_counted(struct traces *traces, uint64_t count, const char *what)
{
    if (count == 0)
        return;
    char *sentence = memory_format("--perfetto: %s %s", quantity_count(count).text, what);
    progress_say(traces->progress, sentence);
    free(sentence);
}

int timeline_file_write(struct timeline_file *file, const struct timeline_options *options,
                        struct traces *traces)
{
    if (!file->is_open)
        return EXIT_DONE;
    struct timeline_counts counts;
    struct failure why;
    timeline_write(options, file->file.out, &counts);
    if (counts.stopped) {
        progress_say(traces->progress, "interrupted; no timeline");
        timeline_file_drop(file);
        return 128 + SIGINT;
    }
    file->is_open = false;
    if (report_file_close(&file->file, &why) != STATUS_OK) {
        progress_say(traces->progress, why.text);
        return EXIT_FAILED;
    }
    say_counted(traces, counts.unknown_events,
                "calls and events of unknown threads are not in the timeline");
    say_counted(traces, counts.failed, "unreadable chunks are not in the timeline");
    return counts.failed > 0 ? EXIT_FAILED : EXIT_DONE;
}

void timeline_file_drop(struct timeline_file *file)
{
    if (file->is_open)
        report_file_drop(&file->file);
    file->is_open = false;
}
