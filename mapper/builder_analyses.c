#include "mapper/builder_state.h"

/* Of a record of the engine, which is of the host: its row is in the order of all. */
static void send(void *context, struct bytes record)
{
    struct partial_builder *builder = context;
    builder_item(builder, ITEM_ANALYSIS, NULL)->analysis = record;
    builder_send(builder);
}

void builder_open_analyses(struct partial_builder *builder)
{
    builder->engine = engine_new_mapping(analyses_all(), (struct engine_sink){send, builder},
                                         builder->options.all_single);
}

size_t builder_map_analyses(struct partial_builder *builder, const struct event *events,
                            size_t count)
{
    if (!schema_has_rows(builder->schema))
        return count;
    for (size_t i = 0; i < count; i++) {
        const struct event *event = &events[i];
        if (event->kind == EVENT_LOSS) {
            if (builder_is_border(builder, event))
                engine_lose_cpu(builder->engine, event->cpu);
            return i + 1;
        }
        if (event->class->row_count > 0 && event->cpu <= CPU_NUMBER_MAX &&
            builder_in_interval(builder, event->time_ns))
            engine_map(builder->engine, event);
    }
    return count;
}
