/* cli/report_options.h -- options of commands that show a report, and those of `spanmill
 * report`. */
#ifndef CLI_REPORT_OPTIONS_H
#define CLI_REPORT_OPTIONS_H

#include "cli/render/report_view.h"
#include "cli/window.h"
#include "config/config.h"

/* Rows of every command that shows a report: processes, format, and destination. */
extern const struct config_section report_view_section;

/* The values of its rows; strings and lists are borrowed from `config`. False: reported on
 * `err`. */
bool report_view_options(const struct config *config, struct report_view *view, FILE *err);
/* The file to write; NULL: stdout. */
const char *report_output(const struct config *config);

struct report_options {
    struct config *config;
    struct report_view view;
    struct window window;
};

/* Fills `options`; call report_options_clear() in any case. */
enum config_outcome report_options_load(struct report_options *options, int argc, char **argv,
                                        FILE *out, FILE *err);
void report_options_clear(struct report_options *options);

#endif
