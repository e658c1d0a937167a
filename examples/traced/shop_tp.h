/* What the example says of its work. LTTng-UST reads this file more than once. */
#undef LTTNG_UST_TRACEPOINT_PROVIDER
#define LTTNG_UST_TRACEPOINT_PROVIDER shop

#undef LTTNG_UST_TRACEPOINT_INCLUDE
#define LTTNG_UST_TRACEPOINT_INCLUDE "./shop_tp.h"

#if !defined(SHOP_TP_H) || defined(LTTNG_UST_TRACEPOINT_HEADER_MULTI_READ)
#define SHOP_TP_H

#include <lttng/tracepoint.h>

/* clang-format off */
LTTNG_UST_TRACEPOINT_EVENT(
    shop, request_begin, LTTNG_UST_TP_ARGS(int, id, const char *, label),
    LTTNG_UST_TP_FIELDS(lttng_ust_field_integer(int, id, id)
                            lttng_ust_field_string(label, label)))

LTTNG_UST_TRACEPOINT_EVENT(
    shop, request_end, LTTNG_UST_TP_ARGS(int, id, const char *, label),
    LTTNG_UST_TP_FIELDS(lttng_ust_field_integer(int, id, id)
                            lttng_ust_field_string(label, label)))

LTTNG_UST_TRACEPOINT_EVENT(
    shop, phase_begin, LTTNG_UST_TP_ARGS(int, id, const char *, phase),
    LTTNG_UST_TP_FIELDS(lttng_ust_field_integer(int, id, id)
                            lttng_ust_field_string(phase, phase)))

LTTNG_UST_TRACEPOINT_EVENT(
    shop, phase_end, LTTNG_UST_TP_ARGS(int, id, const char *, phase),
    LTTNG_UST_TP_FIELDS(lttng_ust_field_integer(int, id, id)
                            lttng_ust_field_string(phase, phase)))
/* clang-format on */

#endif

#include <lttng/tracepoint-event.h>
