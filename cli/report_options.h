/* cli/report_options.h -- what commands that show a report can be told, and what `spanmill report`
 * was. */
#ifndef CLI_REPORT_OPTIONS_H
#define CLI_REPORT_OPTIONS_H

#include "cli/render/report_view.h"
#include "cli/window.h"
#include "config/config.h"

/* Rows of every command that shows a report: which processes, in which form, and where. */
extern const struct config_section report_view_section;

/* What its rows come to; strings and lists are of `config`. False: said on `err`. */
bool report_view_options(const struct config *config, struct report_view *view, FILE *err);
/* The file to write; NULL: stdout. */
const char *report_output(const struct config *config);

struct report_options {
    struct config *config;
    struct report_view view;
    struct window window;
};

/* Fills `options`, which report_options_clear() empties whatever the outcome. */
enum config_outcome report_options_load(struct report_options *options, int argc, char **argv,
                                        FILE *out, FILE *err);
void report_options_clear(struct report_options *options);

#endif
