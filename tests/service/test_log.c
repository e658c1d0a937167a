#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdlib.h>
#include <string.h>

#include "service/log.h"

/* What the line says behind its time; the caller frees *whole. */
#define SAID(whole, level_, ...)                                                                   \
    do {                                                                                           \
        size_t size_;                                                                              \
        struct log log = {open_memstream(&(whole), &size_), "mill", LOG_INFO};                     \
        log_say(&log, level_, __VA_ARGS__);                                                        \
        fclose(log.file);                                                                          \
    } while (0)

Test(log, a_line_has_time_level_program_event_and_fields)
{
    char *line = NULL;
    SAID(line, LOG_WARNING, "chunk parked", log_text("chunk", "web1/17"), log_integer("try", 5),
         log_real("seconds", 1.23456));
    cr_assert(gt(sz, strlen(line), 29));
    cr_expect(line[4] == '=' && line[15] == 'T' && line[28] == 'Z', "%s", line);
    cr_expect(eq(str, line + 29,
                 (char *)" level=warning program=mill event=\"chunk parked\" chunk=web1/17 try=5 "
                         "seconds=1.235\n"));
    free(line);
}

Test(log, what_is_finer_than_the_level_is_not_said)
{
    char *line = NULL;
    SAID(line, LOG_DEBUG, "noise");
    cr_expect(zero(str, line));
    free(line);
    SAID(line, LOG_INFO, "news");
    cr_expect(strstr(line, " event=news\n") != NULL, "%s", line);
    free(line);
}

Test(log, texts_cannot_break_out_of_their_line)
{
    char *line = NULL;
    SAID(line, LOG_ERROR, "x", log_text("a", "two\nlines"), log_text("b", "\"q\" \\ \x1b[31m"),
         log_text("c", ""), log_text("d", NULL), log_text("e", "k=v"),
         log_text("f", "gr\xc3\xbc\xc3\x9f"));
    cr_expect(eq(str, strstr(line, " a="),
                 (char *)" a=\"two\\nlines\" b=\"\\\"q\\\" \\\\ \\x1b[31m\" c=\"\" d=- e=\"k=v\" "
                         "f=\"gr\xc3\xbc\xc3\x9f\"\n"));
    free(line);
}
