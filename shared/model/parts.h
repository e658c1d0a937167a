/* model/parts.h -- everything that a model holds, each once. For the files of this folder. */
#ifndef MODEL_PARTS_H
#define MODEL_PARTS_H

#include "model/state.h"

/* By address. */
struct model_parts {
    struct map threads, processes, tables, descriptors;
};

/* All that can be reached from `model`; to be cleared. */
void model_parts_gather(struct model *model, struct model_parts *out);
void model_parts_clear(struct model_parts *parts);
/* Frees all parts themselves. */
void model_parts_free(struct model_parts *parts);

#endif
