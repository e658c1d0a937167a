/* model/save.h -- a model as records that outlive the process, and back.
 *
 * One record for each thread, process, table of descriptors, descriptor and phase instance, and one
 * for what is of the whole model: what has not changed makes the same record again. A restored
 * model goes on as the saved one would have, to the same results. Records are for programs of the
 * same format alone. */
#ifndef MODEL_SAVE_H
#define MODEL_SAVE_H

#include "base/bytes.h"
#include "base/failure.h"
#include "model/model.h"

/* Keys are "PID/...", "t/TID/..." while a thread's process is unknown, and "host". Both are
 * borrowed for the call. */
struct state_sink {
    void (*take)(void *context, struct text key, struct bytes record);
    void *context;
};

struct state_record {
    struct text key;
    struct bytes record;
};

void model_save(struct model *model, struct state_sink sink);

/* A model of all records that one model_save() gave, in any order; what others there are is
 * passed over. `phases`: model_phases() of the one that was saved. `schema` and `sink` as for
 * model_new().
 * REJECT: a record is missing or damaged, or does not go with the others; *out is NULL.
 * STOP: of a newer format than this program knows. */
MUST_CHECK enum status model_restore(struct schema *schema, const struct phase_set *phases,
                                     struct result_sink sink, const struct state_record *records,
                                     size_t count, struct model **out, struct failure *why);

/* Tells of the living: of those whose turn it is, of ids that are `turn` modulo `turns`, again all
 * that is known; of the others what is new since the last time. What a reader of the results has to
 * know of them is in the log again after `turns` of these. */
void model_retell(struct model *model, uint64_t turn, uint64_t turns);

#endif
