/* mapper/bt2/bt2_plan.h -- which fields of an event class go where, resolved once per class of
 * libbabeltrace2, so that an event costs only the fields it is asked for. */
#ifndef MAPPER_BT2_BT2_PLAN_H
#define MAPPER_BT2_BT2_PLAN_H

#include <babeltrace2/babeltrace.h>

#include "mapper/decode/scratch.h"
#include "trace/event.h"
#include "trace/schema.h"

/* Plans of one trace, by event class. */
struct bt2_plans;

/* `schema` is borrowed. `x86_64`: what numbers of calls without a table entry mean. The text
 * of `origin` is borrowed, too. */
struct bt2_plans *bt2_plans_new(struct schema *schema, enum domain domain, bool x86_64,
                                const struct event_origin *origin);
void bt2_plans_free(struct bt2_plans *plans); /* NULL is fine */

/* Fills class, call, contexts, slots and fields; times and places are the caller's. What the
 * event points to is copied into `scratch`. */
void bt2_plans_fill(struct bt2_plans *plans, const bt_event *from, struct scratch *scratch,
                    struct event *event);

#endif
