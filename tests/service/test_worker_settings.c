/* The settings of the workers, as they print them. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdlib.h>
#include <string.h>

#include "mapper/worker/mapper_settings.h"
#include "reducer/worker/reducer_settings.h"

enum { SCREEN_ROWS = 60, SCREEN_COLUMNS = 89 };

static struct config *load(const struct config_program *program, int argc, char **argv)
{
    struct config *config = NULL;
    enum config_outcome outcome = config_load(program, argc, argv, stdout, stderr, &config);
    cr_assert(eq(int, outcome, CONFIG_RUN));
    return config;
}

Test(settings, a_worker_runs_without_being_told_anything)
{
    char name[] = "worker";
    struct config *config = load(&mapper_program, 1, (char *[]){name, NULL});
    cr_expect(config_integer(config, "threads") == 1);
    cr_expect(config_integer(config, "tries") == 5);
    cr_expect(eq(u64, config_duration_ms(config, "drain"), 25000));
    cr_expect(strcmp(config_text(config, "brokers"), "localhost:9092") == 0);
    cr_expect(config_text(config, "store-root") == NULL);
    config_free(config);
    config = load(&reducer_program, 1, (char *[]){name, NULL});
    cr_expect(eq(u64, config_duration_ms(config, "gap-after"), 900000));
    cr_expect(eq(u64, config_duration_ms(config, "expire-after"), 86400000));
    cr_expect(strcmp(config_text(config, "prefix"), "spanmill") == 0);
    config_free(config);
}

static void expect_fitting_help(const struct config_program *program)
{
    char name[] = "worker", option[] = "--help";
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    struct config *config = NULL;
    enum config_outcome outcome =
        config_load(program, 2, (char *[]){name, option, NULL}, out, stderr, &config);
    fclose(out);
    cr_expect(eq(int, outcome, CONFIG_DONE));
    size_t rows = 0;
    for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
        cr_expect(le(sz, strlen(line), SCREEN_COLUMNS), "%s", line);
        rows++;
    }
    cr_expect(gt(sz, rows, 20));
    cr_expect(lt(sz, rows, SCREEN_ROWS));
    free(text);
}

Test(settings, help_fits_a_screen)
{
    expect_fitting_help(&mapper_program);
    expect_fitting_help(&reducer_program);
}
