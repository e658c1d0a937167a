#include "bt2_graph.h"

#include <stdlib.h>

#include "base/memory.h"
#include "mapper/bt2/bt2_trial.h"

struct bt2_graph {
    bt_graph *graph;
    bt_message_iterator **iterators; /* one per stream */
    size_t stream_count;
    /* The current call: the sink only runs inside bt_graph_run_once(). */
    size_t wanted;
    bt_message_iterator_next_status status;
    bt_message_array_const messages;
    uint64_t message_count;
};

/* --- the sink: one input port per stream; consumes one batch of the requested stream --- */

static bt_component_class_initialize_method_status
sink_initialize(bt_self_component_sink *self, bt_self_component_sink_configuration *configuration,
                const bt_value *params, void *data)
{
    (void)configuration;
    (void)params;
    struct bt2_graph *graph = data;
    bt_self_component_set_data(bt_self_component_sink_as_self_component(self), graph);
    for (size_t i = 0; i < graph->stream_count; i++) {
        char *name = memory_format("in%zu", i);
        bt_self_component_add_port_status status =
            bt_self_component_sink_add_input_port(self, name, NULL, NULL);
        free(name);
        if (status != BT_SELF_COMPONENT_ADD_PORT_STATUS_OK)
            return BT_COMPONENT_CLASS_INITIALIZE_METHOD_STATUS_ERROR;
    }
    return BT_COMPONENT_CLASS_INITIALIZE_METHOD_STATUS_OK;
}

static struct bt2_graph *graph_of(bt_self_component_sink *self)
{
    return bt_self_component_get_data(bt_self_component_sink_as_self_component(self));
}

static bt_component_class_sink_graph_is_configured_method_status
sink_graph_is_configured(bt_self_component_sink *self)
{
    struct bt2_graph *graph = graph_of(self);
    for (size_t i = 0; i < graph->stream_count; i++) {
        bt_self_component_port_input *port =
            bt_self_component_sink_borrow_input_port_by_index(self, i);
        if (bt_message_iterator_create_from_sink_component(self, port, &graph->iterators[i]) !=
            BT_MESSAGE_ITERATOR_CREATE_FROM_SINK_COMPONENT_STATUS_OK)
            return BT_COMPONENT_CLASS_SINK_GRAPH_IS_CONFIGURED_METHOD_STATUS_ERROR;
    }
    return BT_COMPONENT_CLASS_SINK_GRAPH_IS_CONFIGURED_METHOD_STATUS_OK;
}

/* Always succeeds, so that the graph stays usable if one stream is broken. */
static bt_component_class_sink_consume_method_status sink_consume(bt_self_component_sink *self)
{
    struct bt2_graph *graph = graph_of(self);
    graph->status = bt_message_iterator_next(graph->iterators[graph->wanted], &graph->messages,
                                             &graph->message_count);
    return BT_COMPONENT_CLASS_SINK_CONSUME_METHOD_STATUS_OK;
}

/* --- the graph --- */

/* Formats and clears libbabeltrace2's error, innermost cause first. */
static enum status reject(struct failure *why)
{
    const bt_error *error = bt_current_thread_take_error();
    if (error == NULL)
        return fail(why, STATUS_REJECT, "libbabeltrace2 reports no cause");
    enum status status = STATUS_REJECT;
    if (bt_error_get_cause_count(error) > 0)
        status = fail(why, STATUS_REJECT, "%s",
                      bt_error_cause_get_message(bt_error_borrow_cause_by_index(error, 0)));
    bt_error_release(error);
    return status;
}

static bool add_source(struct bt2_graph *graph, const char *folder,
                       const bt_component_source **source)
{
    const bt_plugin *plugin = NULL;
    if (bt_plugin_find("ctf", BT_FALSE, BT_TRUE, BT_TRUE, BT_FALSE, BT_TRUE, &plugin) !=
        BT_PLUGIN_FIND_STATUS_OK)
        return false;
    const bt_component_class_source *class =
        bt_plugin_borrow_source_component_class_by_name_const(plugin, "fs");
    bt_value *params = bt_value_map_create();
    bt_value *inputs = bt_value_array_create();
    bool made =
        class != NULL && params != NULL && inputs != NULL &&
        bt_value_array_append_string_element(inputs, folder) ==
            BT_VALUE_ARRAY_APPEND_ELEMENT_STATUS_OK &&
        bt_value_map_insert_entry(params, "inputs", inputs) ==
            BT_VALUE_MAP_INSERT_ENTRY_STATUS_OK &&
        bt_graph_add_source_component(graph->graph, class, "source", params, BT_LOGGING_LEVEL_NONE,
                                      source) == BT_GRAPH_ADD_COMPONENT_STATUS_OK;
    bt_value_put_ref(inputs);
    bt_value_put_ref(params);
    bt_plugin_put_ref(plugin);
    return made;
}

static bool add_sink(struct bt2_graph *graph, const bt_component_sink **sink)
{
    bt_component_class_sink *class = bt_component_class_sink_create("streams", sink_consume);
    bool made = class != NULL &&
                bt_component_class_sink_set_initialize_method(class, sink_initialize) ==
                    BT_COMPONENT_CLASS_SET_METHOD_STATUS_OK &&
                bt_component_class_sink_set_graph_is_configured_method(
                    class, sink_graph_is_configured) == BT_COMPONENT_CLASS_SET_METHOD_STATUS_OK &&
                bt_graph_add_sink_component_with_initialize_method_data(
                    graph->graph, class, "streams", NULL, graph, BT_LOGGING_LEVEL_NONE, sink) ==
                    BT_GRAPH_ADD_COMPONENT_STATUS_OK;
    bt_component_class_sink_put_ref(class);
    return made;
}

/* A trace folder, and the CTF version of its metadata. */
struct source {
    const char *folder;
    unsigned ctf_version;
};

/* The message interchange protocol for metadata of that CTF version. */
static uint64_t protocol_of(unsigned ctf_version)
{
    return ctf_version >= 2 ? 1 : 0;
}

bool bt2_graph_reads(unsigned ctf_version)
{
    return protocol_of(ctf_version) <= bt_get_maximal_mip_version();
}

static bool connect_all(struct bt2_graph *graph, const struct source *from)
{
    const bt_component_source *source = NULL;
    const bt_component_sink *sink = NULL;
    graph->graph = bt_graph_create(protocol_of(from->ctf_version));
    if (graph->graph == NULL || !add_source(graph, from->folder, &source))
        return false;
    graph->stream_count = (size_t)bt_component_source_get_output_port_count(source);
    graph->iterators = memory_new(graph->stream_count * sizeof(bt_message_iterator *));
    if (graph->stream_count == 0)
        return true; /* a graph without streams cannot run, and does not have to */
    if (!add_sink(graph, &sink))
        return false;
    for (size_t i = 0; i < graph->stream_count; i++)
        if (bt_graph_connect_ports(graph->graph,
                                   bt_component_source_borrow_output_port_by_index_const(source, i),
                                   bt_component_sink_borrow_input_port_by_index_const(sink, i),
                                   NULL) != BT_GRAPH_CONNECT_PORTS_STATUS_OK)
            return false;
    return true;
}

static enum status next_messages(struct bt2_graph *graph, size_t stream,
                                 bt_message_array_const *messages, uint64_t *count,
                                 struct failure *why)
{
    /* The library leaves errors that it has handled, and aborts because of them in the next
     * call. */
    bt_current_thread_clear_error();
    graph->wanted = stream;
    if (bt_graph_run_once(graph->graph) != BT_GRAPH_RUN_ONCE_STATUS_OK)
        return reject(why);
    if (graph->status == BT_MESSAGE_ITERATOR_NEXT_STATUS_END)
        return STATUS_END;
    if (graph->status != BT_MESSAGE_ITERATOR_NEXT_STATUS_OK)
        return reject(why);
    *messages = graph->messages;
    *count = graph->message_count;
    return STATUS_OK;
}

static void close_graph(struct bt2_graph *graph)
{
    for (size_t i = 0; i < graph->stream_count; i++)
        bt_message_iterator_put_ref(graph->iterators[i]);
    free(graph->iterators);
    bt_graph_put_ref(graph->graph);
    free(graph);
}

static enum status open_graph(const struct source *from, struct bt2_graph **out,
                              struct failure *why)
{
    *out = NULL;
    struct bt2_graph *graph = memory_new(sizeof *graph);
    if (!connect_all(graph, from)) {
        close_graph(graph);
        return reject(why);
    }
    *out = graph;
    return STATUS_OK;
}

/* Everything that is done with a folder, except reading values from fields. */
static void read_all(void *source)
{
    struct bt2_graph *graph = NULL;
    struct failure ignored;
    if (open_graph(source, &graph, &ignored) != STATUS_OK || !graph)
        return;
    for (size_t i = 0; i < graph->stream_count; i++) {
        bt_message_array_const messages = NULL;
        uint64_t count = 0;
        while (next_messages(graph, i, &messages, &count, &ignored) == STATUS_OK)
            for (uint64_t j = 0; j < count; j++)
                bt_message_put_ref(messages[j]);
    }
    close_graph(graph);
}

enum status bt2_graph_open(const char *folder, unsigned ctf_version, struct bt2_graph **out,
                           struct failure *why)
{
    *out = NULL;
    if (!bt2_graph_reads(ctf_version))
        return fail(why, STATUS_REJECT, "metadata: CTF %u is not supported by libbabeltrace2 %u.%u",
                    ctf_version, bt_version_get_major(), bt_version_get_minor());
    struct source source = {folder, ctf_version};
    enum status status = bt2_trial(read_all, &source, why);
    if (status != STATUS_OK)
        return status;
    bt2_use_begin();
    status = open_graph(&source, out, why);
    bt2_use_end();
    return status;
}

size_t bt2_graph_stream_count(const struct bt2_graph *graph)
{
    return graph->stream_count;
}

enum status bt2_graph_next(struct bt2_graph *graph, size_t stream, bt_message_array_const *messages,
                           uint64_t *count, struct failure *why)
{
    bt2_use_begin();
    enum status status = next_messages(graph, stream, messages, count, why);
    bt2_use_end();
    return status;
}

void bt2_graph_close(struct bt2_graph *graph)
{
    if (graph == NULL)
        return;
    bt2_use_begin();
    close_graph(graph);
    bt2_use_end();
}
