/* config/config_state.h -- settings while they are read; private to this folder. */
#ifndef CONFIG_CONFIG_STATE_H
#define CONFIG_CONFIG_STATE_H

#include "base/arena.h"
#include "base/failure.h"
#include "config/config.h"

/* Later ones have priority. */
enum config_rank { RANK_DEFAULT, RANK_FILE, RANK_BLOCK, RANK_ENVIRONMENT, RANK_FLAG };

struct setting {
    const struct config_row *row;
    enum config_rank rank;
    const char *source; /* NULL: no value, not even a default */
    const char *text;   /* as written in the last source */
    union {
        long long integer;
        uint64_t amount; /* bytes, milliseconds */
        bool flag;
        size_t word;
    } value;
    const char **list;
    int64_t *integers; /* those of `list` */
    struct config_pair *pairs;
    enum config_rank *ranks; /* of the pairs */
    size_t count, room;      /* of either */
};

static inline bool setting_is_list(const struct setting *setting)
{
    return setting->row->type == CONFIG_LIST || setting->row->type == CONFIG_INTEGERS;
}

struct config {
    const struct config_program *program;
    struct arena arena; /* all strings */
    struct setting *settings;
    size_t count;
    char **operands;
    size_t operand_count;
};

/* Options of every program, after its own. */
enum { COMMON_CONFIG, COMMON_PRINT, COMMON_HELP, COMMON_VERSION };
extern const struct config_section config_common_section;
bool config_row_is_common(const struct config_row *row);

/* The section with this index; the common one is last, then NULL. */
const struct config_section *config_section_at(const struct config_program *program, size_t index);
struct setting *config_find(const struct config *config, struct text name); /* NULL: none */
/* The row name most similar to `wrong`; NULL if there is none. */
const char *config_nearest(const struct config *config, struct text wrong);

/* Store one value if its rank has priority; `source` is copied. REJECT: it is invalid. */
MUST_CHECK enum status config_take(struct config *config, struct setting *setting,
                                   enum config_rank rank, const char *source, const char *text,
                                   struct failure *why);
void config_take_pair(struct config *config, struct setting *setting, enum config_rank rank,
                      const char *source, const char *key, const char *value);

/* Reads the file `path`. REJECT: `why` has file, line and column. */
MUST_CHECK enum status config_read_file(struct config *config, const char *path,
                                        struct failure *why);
/* Reads all SPANMILL_* variables; unknown ones are reported on `err`. */
MUST_CHECK enum status config_read_environment(struct config *config, FILE *err,
                                               struct failure *why);

void config_print_help(const struct config *config, FILE *out);
void config_print(const struct config *config, FILE *out);

#endif
