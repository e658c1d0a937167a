#include "cli/progress.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/hash.h"
#include "cli/render/quantity.h"

double progress_now_s(void)
{
    return clock_s(CLOCK_MONOTONIC);
}

void progress_init(struct progress *progress, const char *command, bool wanted)
{
    *progress =
        (struct progress){.command = command, .wanted = wanted, .begin_s = progress_now_s()};
}

void progress_show(struct progress *progress, size_t done, size_t count, uint64_t events)
{
    if (!progress->wanted || progress->over)
        return;
    double passed_s = progress_now_s() - progress->begin_s;
    size_t current = done < count ? done + 1 : count;
    fprintf(stderr, "\r\033[Kchunk %zu of %zu  %s events", current, count,
            quantity_count(events).text);
    if (done > 0 && passed_s > 0) {
        fprintf(stderr, "  %.1f M events/s", (double)events / passed_s / 1e6);
        if (done < count)
            fprintf(stderr, "  %.0f s left", passed_s / (double)done * (double)(count - done));
    }
    fflush(stderr);
    progress->shown = true;
}

void progress_clear(struct progress *progress)
{
    if (progress->shown)
        fputs("\r\033[K", stderr);
    progress->shown = false;
}

void progress_say(void *context, const char *sentence)
{
    struct progress *progress = context;
    progress_clear(progress);
    fprintf(stderr, "%s: %s\n", progress->command, sentence);
    progress->said[progress->said_count++ % PROGRESS_SAID] = hash_text(text_of(sentence));
}

void progress_say_once(void *context, const char *sentence)
{
    const struct progress *progress = context;
    uint64_t hash = hash_text(text_of(sentence));
    for (size_t i = 0; i < progress->said_count && i < PROGRESS_SAID; i++)
        if (progress->said[i] == hash)
            return;
    progress_say(context, sentence);
}
