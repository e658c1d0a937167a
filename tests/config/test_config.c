/* The settings of a fictional program, from all four sources. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config/config.h"

static const struct config_row kafka_rows[] = {
    {.name = "brokers",
     .letter = 'b',
     .type = CONFIG_TEXT,
     .standard = "localhost:9092",
     .argument = "HOST:PORT",
     .help = "where to begin"},
    {.name = "kafka", .letter = 'X', .type = CONFIG_PAIRS, .argument = "KEY=VALUE", .help = "more"},
};
static const struct config_row mill_rows[] = {
    {.name = "tries",
     .type = CONFIG_INTEGER,
     .standard = "5",
     .least = 1,
     .most = 100,
     .argument = "N",
     .help = "how often a chunk is begun"},
    {.name = "memory-limit",
     .letter = 'm',
     .type = CONFIG_BYTES,
     .standard = "1G",
     .least = 1 << 20,
     .most = 1ll << 40,
     .argument = "SIZE",
     .help = "of one chunk"},
    {.name = "gap-after",
     .type = CONFIG_DURATION,
     .standard = "15m",
     .argument = "TIME",
     .help = "two lines\nof help"},
    {.name = "fast", .letter = 'f', .type = CONFIG_FLAG, .help = "do it fast"},
    {.name = "colour",
     .type = CONFIG_WORD,
     .words = "auto always never",
     .standard = "auto",
     .argument = "WHEN",
     .help = "auto, always, never"},
    {.name = "session", .type = CONFIG_LIST, .argument = "NAME", .help = "only these"},
    {.name = "pass", .type = CONFIG_TEXT, .secret = true, .argument = "WORD", .help = "a secret"},
};
static const struct config_section kafka = {"Kafka", kafka_rows, 2};
static const struct config_section mill = {"Milling", mill_rows, 7};
static const struct config_section *const sections[] = {&mill, &kafka};
static const struct config_program program = {.command = "mill",
                                              .block = "mapper",
                                              .about = "Mills.",
                                              .sections = sections,
                                              .count = 2,
                                              .examples = "mill --fast\nmill --tries 3"};
static const struct config_program program_with_operands = {
    .command = "mill", .operands = "PATH...", .about = "Mills.", .sections = sections, .count = 2};

/* What one call of config_load() did. */
struct run {
    char words[512];
    char *argv[24];
    struct config *config;
    enum config_outcome outcome;
    char *out, *err;
};

/* `line` is cut at spaces. */
static void load(struct run *run, const struct config_program *of, const char *line)
{
    memset(run, 0, sizeof *run);
    snprintf(run->words, sizeof run->words, "mill %s", line);
    int argc = 0;
    for (char *word = strtok(run->words, " "); word; word = strtok(NULL, " "))
        run->argv[argc++] = word;
    size_t size;
    FILE *out = open_memstream(&run->out, &size);
    FILE *err = open_memstream(&run->err, &size);
    run->outcome = config_load(of, argc, run->argv, out, err, &run->config);
    fclose(out);
    fclose(err);
    cr_assert(eq(int, run->outcome == CONFIG_RUN, run->config != NULL));
}

static void clear(struct run *run)
{
    config_free(run->config);
    free(run->out);
    free(run->err);
}

static struct config *load_well(struct run *run, const char *line)
{
    load(run, &program, line);
    cr_assert(eq(int, run->outcome, CONFIG_RUN), "%s: %s", line, run->err);
    return run->config;
}

/* The outcome is CONFIG_WRONG, and `err` is exactly `said` (plus the hint at --help). */
static void expect_wrong(const char *line, const char *said)
{
    struct run run;
    load(&run, &program, line);
    char *whole = NULL;
    cr_assert(asprintf(&whole, "mill: %s\nTry `mill --help`.\n", said) > 0);
    cr_expect(eq(int, run.outcome, CONFIG_WRONG), "%s", line);
    cr_expect(eq(str, run.err, whole));
    free(whole);
    clear(&run);
}

static void write_file(const char *text)
{
    char path[] = "/tmp/test_config.XXXXXX";
    int fd = mkstemp(path);
    cr_assert(fd >= 0);
    cr_assert(write(fd, text, strlen(text)) == (ssize_t)strlen(text));
    close(fd);
    /* Messages are compared, so the name must stay the same. */
    cr_assert(chdir("/tmp") == 0);
    char folder[] = "/tmp/test_config_d.XXXXXX";
    cr_assert(mkdtemp(folder) != NULL);
    cr_assert(chdir(folder) == 0);
    cr_assert(rename(path, "f.yaml") == 0);
}

static void remove_file(void)
{
    char folder[256];
    cr_assert(getcwd(folder, sizeof folder) != NULL);
    cr_assert(unlink("f.yaml") == 0);
    cr_assert(chdir("/tmp") == 0 && rmdir(folder) == 0);
}

Test(config, what_nobody_told_is_by_default)
{
    struct run run;
    struct config *config = load_well(&run, "");
    cr_expect(config_integer(config, "tries") == 5);
    cr_expect(eq(u64, config_bytes(config, "memory-limit"), 1 << 30));
    cr_expect(eq(u64, config_duration_ms(config, "gap-after"), 900000));
    cr_expect(not(config_flag(config, "fast")));
    cr_expect(eq(sz, config_word(config, "colour"), 0));
    cr_expect(config_text(config, "pass") == NULL);
    cr_expect(not(config_is_given(config, "tries")));
    cr_expect(eq(str, (char *)config_source(config, "tries"), (char *)"default"));
    const char *const *list;
    cr_expect(eq(sz, config_list(config, "session", &list), 0));
    const struct config_pair *pairs;
    cr_expect(eq(sz, config_pairs(config, "kafka", &pairs), 0));
    cr_expect(config_has(config, "tries"));
    cr_expect(not(config_has(config, "cries")));
    clear(&run);
}

Test(config, flags_of_all_types)
{
    struct run run;
    struct config *config =
        load_well(&run, "--tries=7 -m 64M --gap-after 1h30m -f --colour never --session a "
                        "--session b,c --pass x -X acks=all -X a.b=c=d");
    cr_expect(config_integer(config, "tries") == 7);
    cr_expect(eq(u64, config_bytes(config, "memory-limit"), 64 << 20));
    cr_expect(eq(u64, config_duration_ms(config, "gap-after"), 5400000));
    cr_expect(config_flag(config, "fast"));
    cr_expect(eq(sz, config_word(config, "colour"), 2));
    cr_expect(eq(str, (char *)config_text(config, "pass"), (char *)"x"));
    cr_expect(eq(str, (char *)config_source(config, "tries"), (char *)"flag --tries"));
    const char *const *list;
    cr_assert(eq(sz, config_list(config, "session", &list), 2));
    cr_expect(eq(str, (char *)list[1], (char *)"b,c"));
    const struct config_pair *pairs;
    cr_assert(eq(sz, config_pairs(config, "kafka", &pairs), 2));
    cr_expect(eq(str, (char *)pairs[1].key, (char *)"a.b"));
    cr_expect(eq(str, (char *)pairs[1].value, (char *)"c=d"));
    cr_expect(eq(str, (char *)pairs[1].source, (char *)"flag --kafka"));
    clear(&run);
}

Test(config, the_environment_wins_over_the_file_and_flags_win_over_both)
{
    write_file("tries: 2\nmemory-limit: 2M\ngap-after: 2m\n"
               "kafka: {acks: '2', linger.ms: 2, retries: 2}\nsession: [two, deux]\n");
    setenv("SPANMILL_CONFIG", "f.yaml", 1);
    setenv("SPANMILL_MEMORY_LIMIT", "3M", 1);
    setenv("SPANMILL_GAP_AFTER", "3m", 1);
    setenv("SPANMILL_KAFKA_LINGER_MS", "3", 1);
    setenv("SPANMILL_KAFKA_RETRIES", "3", 1);
    setenv("SPANMILL_SESSION", "three,trois,tres", 1);
    struct run run;
    struct config *config = load_well(&run, "--gap-after 4m -X retries=4");
    cr_expect(config_integer(config, "tries") == 2);
    cr_expect(eq(str, (char *)config_source(config, "tries"), (char *)"f.yaml:1"));
    cr_expect(eq(u64, config_bytes(config, "memory-limit"), 3 << 20));
    cr_expect(eq(str, (char *)config_source(config, "memory-limit"),
                 (char *)"environment SPANMILL_MEMORY_LIMIT"));
    cr_expect(eq(u64, config_duration_ms(config, "gap-after"), 240000));
    const struct config_pair *pairs;
    size_t count = config_pairs(config, "kafka", &pairs);
    cr_assert(eq(sz, count, 3));
    char joined[64] = "";
    for (size_t i = 0; i < count; i++) {
        strcat(joined, pairs[i].value);
        cr_expect(not(zero(str, (char *)pairs[i].source)));
    }
    cr_expect(strspn(joined, "234") == 3 && strchr(joined, '2') && strchr(joined, '3') &&
              strchr(joined, '4'));
    const char *const *list;
    cr_assert(eq(sz, config_list(config, "session", &list), 3));
    cr_expect(eq(str, (char *)list[2], (char *)"tres"));
    cr_expect(zero(str, run.err));
    clear(&run);
    remove_file();
}

Test(config, a_block_of_the_program_wins_over_the_top_and_others_are_passed_over)
{
    write_file(
        "mapper:\n  tries: 9\n  kafka: {acks: 9}\ntries: 2\nkafka: {acks: 2, sasl: {mechanism:"
        " PLAIN}}\nreducer:\n  no-such: thing\n");
    struct run run;
    struct config *config = load_well(&run, "--config f.yaml");
    cr_expect(config_integer(config, "tries") == 9);
    cr_expect(eq(str, (char *)config_source(config, "tries"), (char *)"f.yaml:2"));
    const struct config_pair *pairs;
    cr_assert(eq(sz, config_pairs(config, "kafka", &pairs), 2));
    cr_expect(eq(str, (char *)pairs[0].value, (char *)"9"));
    cr_expect(eq(str, (char *)pairs[1].key, (char *)"sasl.mechanism"));
    clear(&run);
    remove_file();
}

/* `text` is a file that gives exactly the message `said`. */
static void expect_wrong_file(const char *text, const char *said)
{
    write_file(text);
    expect_wrong("--config f.yaml", said);
    remove_file();
}

Test(config, what_is_wrong_in_a_file_has_its_place)
{
    expect_wrong_file("tries: 3\ntrise: 3\n",
                      "f.yaml:2:1: unknown key `trise`; `tries` is the nearest");
    expect_wrong_file("tries: 3\nmapper:\n  quite-other: 3\n",
                      "f.yaml:3:3: unknown key `quite-other`; put keys of other programs into "
                      "their blocks (`mapper:`)");
    expect_wrong_file("tries: 1000\n", "f.yaml:1:8: tries: 1000 is not between 1 and 100");
    expect_wrong_file("memory-limit: 1K\n",
                      "f.yaml:1:15: memory-limit: 1K is not between 1M and 1T");
    expect_wrong_file("tries: 3\ntries: 4\n", "f.yaml:2:1: duplicate key `tries`");
    expect_wrong_file("tries:\n", "f.yaml:1:7: tries: has no value");
    expect_wrong_file("tries: [1]\n", "f.yaml:1:8: tries: expected a single value");
    expect_wrong_file("kafka: 1\n", "f.yaml:1:8: kafka: expected keys and values");
    expect_wrong_file("kafka: {a: [1]}\n", "f.yaml:1:12: a: expected a single value");
    expect_wrong_file("- tries\n", "f.yaml:1:1: expected keys and values");
    expect_wrong_file("help: yes\n", "f.yaml:1:1: unknown key `help`; `help` is the nearest");
    expect_wrong_file("kafka: &a {b: *a}\n", "f.yaml:1:8: kafka: expected keys and values");
    expect_wrong("--config none.yaml", "none.yaml: No such file or directory");
}

Test(config, broken_yaml_is_refused_with_its_place)
{
    write_file("tries: 3\n\t: x\n");
    struct run run;
    load(&run, &program, "--config f.yaml");
    cr_expect(eq(int, run.outcome, CONFIG_WRONG));
    cr_expect(strncmp(run.err, "mill: f.yaml:2:1: ", 18) == 0, "%s", run.err);
    clear(&run);
    remove_file();
}

Test(config, a_wrong_value_in_a_file_is_told_even_where_a_flag_wins)
{
    write_file("tries: none\n");
    expect_wrong("--config f.yaml --tries 3", "f.yaml:1:8: tries: `none` is not an integer");
    remove_file();
}

Test(config, an_empty_file_is_fine)
{
    write_file("# nothing\n");
    struct run run;
    load_well(&run, "--config f.yaml");
    clear(&run);
    remove_file();
}

Test(config, wrong_flags_are_told_with_the_nearest)
{
    expect_wrong("--trys 3", "unknown option `--trys`; `--tries` is the nearest");
    expect_wrong("--wholly-other", "unknown option `--wholly-other`");
    expect_wrong("-q", "unknown option `-q`");
    expect_wrong("--tries", "--tries: missing argument N");
    expect_wrong("-m", "--memory-limit: missing argument SIZE");
    expect_wrong("--tries x", "--tries: `x` is not an integer");
    expect_wrong("--gap-after 3",
                 "--gap-after: `3` is not a duration such as 500ms, 30s, or 1h30m");
    expect_wrong("--colour alway", "--colour: unknown `alway`; `always` is the nearest");
    expect_wrong("-X acks", "--kafka: `acks` is not in the form key=value");
    expect_wrong("--fast=perhaps", "--fast: `perhaps` is neither yes nor no");
}

Test(config, a_flag_can_be_taken_back)
{
    setenv("SPANMILL_FAST", "true", 1);
    struct run run;
    struct config *config = load_well(&run, "--fast=no");
    cr_expect(not(config_flag(config, "fast")));
    clear(&run);
}

Test(config, operands_are_only_for_those_that_take_them)
{
    expect_wrong("--fast here", "unexpected operand `here`");
    struct run run;
    load(&run, &program_with_operands, "one --tries 3 two -- --fast");
    cr_assert(eq(int, run.outcome, CONFIG_RUN));
    char *const *operands;
    cr_assert(eq(sz, config_operands(run.config, &operands), 3));
    cr_expect(eq(str, operands[0], (char *)"one"));
    cr_expect(eq(str, operands[2], (char *)"--fast"));
    cr_expect(not(config_flag(run.config, "fast")));
    clear(&run);
}

Test(config, variables_of_nobody_are_said_but_do_no_harm)
{
    setenv("SPANMILL_TRYS", "3", 1);
    setenv("SPANMILL_HELP", "1", 1);
    setenv("SPANMILL_CRASH_AT", "here:1", 1);
    setenv("SPANMILL_TEST_ANYTHING", "1", 1);
    setenv("SPANMILL_TRIES", "", 1); /* an empty one is none */
    struct run run;
    struct config *config = load_well(&run, "");
    cr_expect(config_integer(config, "tries") == 5);
    cr_expect(strstr(run.err,
                     "mill: SPANMILL_TRYS is not a setting of this program; the nearest is "
                     "SPANMILL_TRIES\n") != NULL,
              "%s", run.err);
    cr_expect(strstr(run.err, "SPANMILL_HELP is not a setting") != NULL);
    cr_expect(strstr(run.err, "CRASH_AT") == NULL && strstr(run.err, "TEST_") == NULL);
    clear(&run);
}

Test(config, a_wrong_variable_is_told_by_name)
{
    setenv("SPANMILL_TRIES", "many", 1);
    expect_wrong("", "SPANMILL_TRIES: `many` is not an integer");
}

Test(config, print_config_is_a_file_that_tells_the_same_but_for_secrets)
{
    setenv("SPANMILL_KAFKA_SASL_PASSWORD", "hunter2", 1);
    write_file("tries: 2\nsession: [a b, c]\n");
    struct run run;
    load(&run, &program, "--config f.yaml --print-config --pass hunter3 -f -X acks=all");
    cr_assert(eq(int, run.outcome, CONFIG_DONE), "%s", run.err);
    cr_expect(eq(str, run.out,
                 (char *)"# mill: effective settings and their sources\n"
                         "tries: 2                                     # f.yaml:1\n"
                         "memory-limit: 1G                             # default\n"
                         "gap-after: 15m                               # default\n"
                         "fast: yes                                    # flag --fast\n"
                         "colour: auto                                 # default\n"
                         "session: [\"a b\", c]                          # f.yaml:2\n"
                         "pass: \"********\"                             # flag --pass\n"
                         "brokers: localhost:9092                      # default\n"
                         "kafka:\n"
                         "  sasl.password: \"********\"                  # environment "
                         "SPANMILL_KAFKA_SASL_PASSWORD\n"
                         "  acks: all                                  # flag --kafka\n"));
    remove_file();
    unsetenv("SPANMILL_KAFKA_SASL_PASSWORD");
    write_file(run.out);
    clear(&run);
    struct config *config = load_well(&run, "--config f.yaml");
    cr_expect(config_integer(config, "tries") == 2);
    cr_expect(config_flag(config, "fast"));
    const char *const *list;
    cr_assert(eq(sz, config_list(config, "session", &list), 2));
    cr_expect(eq(str, (char *)list[0], (char *)"a b"));
    clear(&run);
    remove_file();
}

Test(config, secrets_of_librdkafka_are_known_by_their_names)
{
    static const char *const secrets[] = {
        "sasl.password",         "ssl.key.password",        "ssl.key.pem",
        "ssl.keystore.password", "sasl.oauthbearer.config", "sasl.oauthbearer.client.secret"};
    for (size_t i = 0; i < sizeof secrets / sizeof *secrets; i++) {
        struct run run;
        char line[128];
        snprintf(line, sizeof line, "--print-config -X %s=hunter2", secrets[i]);
        load(&run, &program, line);
        cr_expect(strstr(run.out, "********") && !strstr(run.out, "hunter2"), "%s", secrets[i]);
        clear(&run);
    }
    struct run run;
    load(&run, &program, "--print-config -X sasl.oauthbearer.token.endpoint.url=shown");
    cr_expect(strstr(run.out, "shown") != NULL);
    clear(&run);
}

Test(config, help_has_sections_and_defaults_and_wins_over_what_is_wrong_behind_it)
{
    struct run run;
    load(&run, &program, "--help --tries x");
    cr_assert(eq(int, run.outcome, CONFIG_DONE));
    cr_expect(
        eq(str, run.out,
           (char *)"Usage: mill [OPTION]...\n"
                   "Mills.\n"
                   "\n"
                   "Milling:\n"
                   "      --tries N               how often a chunk is begun [5]\n"
                   "  -m, --memory-limit SIZE     of one chunk [1G]\n"
                   "      --gap-after TIME        two lines\n"
                   "                              of help [15m]\n"
                   "  -f, --fast                  do it fast\n"
                   "      --colour WHEN           auto, always, never [auto]\n"
                   "      --session NAME          only these\n"
                   "      --pass WORD             a secret\n"
                   "\n"
                   "Kafka:\n"
                   "  -b, --brokers HOST:PORT     where to begin [localhost:9092]\n"
                   "  -X, --kafka KEY=VALUE       more\n"
                   "\n"
                   "General:\n"
                   "      --config FILE           read settings from FILE (YAML)\n"
                   "      --print-config          print each setting and its source, and exit\n"
                   "  -h, --help                  show this help and exit\n"
                   "      --version               show the version and exit\n"
                   "\n"
                   "Each option is also a key of the file (tries:) and an environment variable\n"
                   "(SPANMILL_TRIES). Options override variables; variables override the file.\n"
                   "\n"
                   "Examples:\n"
                   "  mill --fast\n"
                   "  mill --tries 3\n"));
    clear(&run);
    load(&run, &program, "--version");
    cr_expect(eq(int, run.outcome, CONFIG_DONE));
    cr_expect(strncmp(run.out, "mill ", 5) == 0);
    clear(&run);
}
