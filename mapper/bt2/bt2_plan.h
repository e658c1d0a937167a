/* mapper/bt2/bt2_plan.h -- which fields of an event class go to which slots, determined once per
 * libbabeltrace2 class, so that only the needed fields of an event are decoded. */
#ifndef MAPPER_BT2_BT2_PLAN_H
#define MAPPER_BT2_BT2_PLAN_H

#include <babeltrace2/babeltrace.h>

#include "mapper/decode/scratch.h"
#include "trace/event.h"
#include "trace/schema.h"

/* The plans of one trace, by event class. */
struct bt2_plans;

/* `schema` is borrowed. `x86_64`: the architecture for numbers of calls without a table entry. The
 * text of `origin` is borrowed, too. */
struct bt2_plans *bt2_plans_new(struct schema *schema, enum domain domain, bool x86_64,
                                const struct event_origin *origin);
void bt2_plans_free(struct bt2_plans *plans); /* NULL is fine */

/* Fills class, call, contexts, slots, and fields; the caller sets times and places. Data that the
 * event points to is copied into `scratch`. */
void bt2_plans_fill(struct bt2_plans *plans, const bt_event *from, struct scratch *scratch,
                    struct event *event);

#endif
