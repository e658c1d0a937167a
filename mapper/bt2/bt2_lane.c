#include "bt2_lane.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cpu_number.h"
#include "mapper/decode/stream_rules.h"
#include "mapper/decode/trace_facts.h"

/* The current packet; NULL if only the library knows it. */
static const struct packet_at *packet_of(const struct bt2_lane *lane)
{
    size_t index = lane->packet_next > 0 ? lane->packet_next - 1 : 0;
    return lane->stream != NULL && index < lane->stream->packets.count
               ? &lane->stream->packets.at[index]
               : NULL;
}

bool bt2_lane_in_seam(const struct bt2_lane *lane)
{
    const struct packet_at *packet = packet_of(lane);
    return packet != NULL && packet->of_seam;
}

static PRINTF_LIKE(3, 4) void report(const struct bt2_lane *lane, struct damage damage,
                                     const char *format, ...)
{
    if (bt2_lane_in_seam(lane))
        return; /* reported by the previous chunk */
    char text[2 * FAILURE_TEXT_MAX];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    trace_report(lane->warnings, lane->input->files, lane->name, damage, text);
}

/* --- identity --- */

/* Makes messages available, or sets `over`. A broken stream ends there, with a loss. */
static void fetch(struct bt2_lane *lane)
{
    struct failure why;
    enum status status =
        bt2_graph_next(lane->input->graph, lane->port, &lane->messages, &lane->message_count, &why);
    lane->at = 0;
    if (status == STATUS_OK)
        return;
    lane->message_count = 0;
    lane->over = true;
    if (status == STATUS_END)
        return;
    lane->cut = true;
    lane->packet_next = SIZE_MAX;
    lane->packet_end_ns = lane->last_ns;
    report(lane, (struct damage){.scope = DAMAGE_STREAM, .cause = DAMAGE_BY_DAMAGED, .count = 1},
           "read up to clock time %llu ns; later events are lost: %s",
           (unsigned long long)lane->last_ns, why.text);
}

static struct layout_clock clock_described(const bt_clock_class *class)
{
    const char *name = bt_clock_class_get_name(class);
    bt_uuid uuid = bt_clock_class_get_uuid(class);
    struct layout_clock clock = {
        .name = name != NULL ? name : "",
        .has_uuid = uuid != NULL,
        .frequency = bt_clock_class_get_frequency(class),
        .precision = bt_clock_class_get_precision(class),
        .is_unix = true,
    };
    if (uuid != NULL)
        memcpy(clock.uuid, uuid, sizeof clock.uuid);
    bt_clock_class_get_offset(class, &clock.offset_s, &clock.offset_cycles);
    return clock;
}

/* The clock of a stream whose metadata only the library understands. */
static enum status learn_clock(struct bt2_lane *lane, const bt_clock_class *class,
                               const struct layout_clock **session, struct trace_info *info,
                               struct failure *why)
{
    struct layout_clock clock = class != NULL ? clock_described(class) : (struct layout_clock){0};
    struct layout_stream stream = {.clock = class != NULL ? 0 : LAYOUT_NONE};
    struct layout layout = {
        .clocks = &clock, .clock_count = class != NULL, .streams = &stream, .stream_count = 1};
    struct stream_time *times;
    enum status status = trace_times(&layout, *session, &times, info, why);
    if (status != STATUS_OK)
        return status;
    lane->time = times[0];
    free(times);
    if (*session == NULL && class != NULL) {
        lane->input->library_clock = clock;
        *session = &lane->input->library_clock;
    }
    return STATUS_OK;
}

enum status bt2_lane_open(struct bt2_lane *lane, struct trace_info *info,
                          const struct layout_clock **session, struct failure *why)
{
    struct bt2_input *input = lane->input;
    fetch(lane);
    if (lane->over || bt_message_get_type(lane->messages[0]) != BT_MESSAGE_TYPE_STREAM_BEGINNING)
        return STATUS_OK;
    const bt_stream *stream = bt_message_stream_beginning_borrow_stream_const(lane->messages[0]);
    const bt_clock_class *clock =
        bt_stream_class_borrow_default_clock_class_const(bt_stream_borrow_class_const(stream));
    const char *path = bt_stream_get_name(stream);
    size_t part = bt2_input_part(input, path);
    lane->has_clock = clock != NULL;
    lane->name = part != SIZE_MAX ? input->files->streams[part].name : path != NULL ? path : "";
    if (input->set == NULL) {
        bt2_input_describe(input, bt_stream_borrow_trace_const(stream), info);
        return learn_clock(lane, clock, session, info, why);
    }
    if (part == SIZE_MAX || input->streams.stream_of[part] == SIZE_MAX)
        return fail(why, STATUS_REJECT, "stream %s: has no file in the trace", lane->name);
    lane->stream = &input->streams.at[input->streams.stream_of[part]];
    lane->name = lane->stream->name;
    lane->cpu = lane->stream->cpu;
    lane->cut |= lane->stream->cut;
    const struct layout *layout = input->set->layout;
    lane->time = input->times[lane->stream->packets.at[0].stream - layout->streams];
    return STATUS_OK;
}

void bt2_lane_clear(struct bt2_lane *lane)
{
    while (lane->at < lane->message_count)
        bt_message_put_ref(lane->messages[lane->at++]);
}

/* --- losses --- */

static void set_loss(struct bt2_lane *lane, uint64_t time_ns, uint64_t discarded, uint64_t missing)
{
    lane->head = BT2_LOSS;
    lane->head_ns = time_ns > lane->last_ns ? time_ns : lane->last_ns;
    lane->head_discarded = discarded;
    lane->head_missing = missing;
}

/* A loss that the library reports, for packets that only it knows. */
static void take_loss(struct bt2_lane *lane, const bt_message *message, bool packets)
{
    uint64_t count = 0;
    bt_property_availability known = packets
                                         ? bt_message_discarded_packets_get_count(message, &count)
                                         : bt_message_discarded_events_get_count(message, &count);
    if (known != BT_PROPERTY_AVAILABILITY_AVAILABLE)
        count = 0;
    if (lane->stream == NULL)
        set_loss(lane, lane->last_ns, packets ? 0 : count, packets ? count : 0);
}

/* --- packets --- */

static uint64_t ns_of(const struct bt2_lane *lane, const bt_clock_snapshot *snapshot)
{
    return stream_ns(&lane->time, bt_clock_snapshot_get_value(snapshot));
}

/* Index of the packet that the message is about: the next one with that begin. */
static size_t index_of(const struct bt2_lane *lane, const bt_message *message)
{
    const bt_stream_class *class = bt_stream_borrow_class_const(
        bt_packet_borrow_stream_const(bt_message_packet_beginning_borrow_packet_const(message)));
    const struct packet_row *packets = &lane->stream->packets;
    if (!lane->has_clock || !bt_stream_class_packets_have_beginning_default_clock_snapshot(class))
        return lane->packet_next;
    uint64_t begin_ns =
        ns_of(lane, bt_message_packet_beginning_borrow_default_clock_snapshot_const(message));
    for (size_t index = lane->packet_next; index < packets->count; index++)
        if (packets->at[index].head.begin_ns == begin_ns)
            return index;
    return lane->packet_next;
}

static void learn_cpu(struct bt2_lane *lane, const bt_message *message)
{
    const bt_field *context = bt_packet_borrow_context_field_const(
        bt_message_packet_beginning_borrow_packet_const(message));
    const bt_field *cpu =
        context != NULL ? bt_field_structure_borrow_member_field_by_name_const(context, "cpu_id")
                        : NULL;
    if (cpu == NULL ||
        !bt_field_class_type_is(bt_field_get_class_type(cpu), BT_FIELD_CLASS_TYPE_UNSIGNED_INTEGER))
        return;
    uint64_t number = bt_field_integer_unsigned_get_value(cpu);
    if (number <= CPU_NUMBER_MAX)
        lane->cpu = (int32_t)number;
}

static void begin_packet(struct bt2_lane *lane, const bt_message *message)
{
    lane->loss = (struct packet_loss){.discarded = 0};
    lane->late_ns = lane->time.last_ns;
    lane->lies = false;
    if (lane->stream == NULL) {
        learn_cpu(lane, message);
        return;
    }
    const struct packet_row *packets = &lane->stream->packets;
    size_t index = index_of(lane, message);
    if (index >= packets->count)
        return;
    const struct packet_at *packet = &packets->at[index];
    lane->loss = stream_loss_around(packets, index);
    lane->packet_end_ns = packet->head.end_ns;
    lane->packet_next = index + 1;
    lane->late_ns = stream_late_ns(&lane->time, packet);
    if (lane->loss.before)
        set_loss(lane, lane->loss.since_ns, lane->loss.discarded, lane->loss.missing);
}

static void end_packet(struct bt2_lane *lane)
{
    if (lane->loss.after && !lane->lies)
        set_loss(lane,
                 stream_loss_behind_ns(&lane->stream->packets, lane->packet_next - 1,
                                       lane->input->domain),
                 0, 0);
    lane->lies = false;
}

/* Data lost here is lost from the last event on. */
static void leave_packet(struct bt2_lane *lane, const char *fault)
{
    lane->lies = true;
    set_loss(lane, lane->last_ns, 0, 0);
    const struct packet_at *packet = packet_of(lane);
    report(lane, (struct damage){.scope = DAMAGE_PACKET, .cause = DAMAGE_BY_DAMAGED, .count = 1},
           "packet %zu at byte %zu: %s; its events after clock time %llu ns are lost",
           packet != NULL ? packet_row_number(&lane->stream->packets, lane->packet_next - 1) : 0,
           packet != NULL ? packet->head.offset : 0, fault, (unsigned long long)lane->last_ns);
}

/* --- the head --- */

/* Makes the current event the head, unless its packet is inconsistent. */
static void take_event(struct bt2_lane *lane, const bt_message *message)
{
    uint64_t time_ns = shifted_ns(0, lane->time.shift_ns);
    if (lane->has_clock)
        time_ns = ns_of(lane, bt_message_event_borrow_default_clock_snapshot_const(message));
    const char *fault = stream_time_fault(&lane->time, lane->late_ns, time_ns);
    if (fault != NULL) {
        leave_packet(lane, fault);
        return;
    }
    if (time_ns < lane->last_ns) {
        if (!lane->backwards)
            report(lane,
                   (struct damage){.scope = DAMAGE_STREAM, .cause = DAMAGE_BY_CLOCK, .count = 1},
                   "its clock goes backwards at %llu ns; such events get the time of the previous "
                   "event",
                   (unsigned long long)lane->last_ns);
        lane->backwards = true;
        time_ns = lane->last_ns;
    }
    lane->head = BT2_EVENT;
    lane->head_ns = time_ns;
}

static void take_message(struct bt2_lane *lane, const bt_message *message)
{
    switch (bt_message_get_type(message)) {
    case BT_MESSAGE_TYPE_EVENT:
        if (!lane->lies)
            take_event(lane, message);
        break;
    case BT_MESSAGE_TYPE_PACKET_BEGINNING: begin_packet(lane, message); break;
    case BT_MESSAGE_TYPE_PACKET_END: end_packet(lane); break;
    case BT_MESSAGE_TYPE_DISCARDED_EVENTS: take_loss(lane, message, false); break;
    case BT_MESSAGE_TYPE_DISCARDED_PACKETS: take_loss(lane, message, true); break;
    case BT_MESSAGE_TYPE_STREAM_BEGINNING:
    case BT_MESSAGE_TYPE_STREAM_END:
    case BT_MESSAGE_TYPE_MESSAGE_ITERATOR_INACTIVITY: break;
    }
}

static void finish(struct bt2_lane *lane)
{
    uint64_t gone_ns = lane->stream != NULL ? lane->stream->gone_ns : 0;
    if (lane->cut)
        set_loss(lane, lane->packet_end_ns > gone_ns ? lane->packet_end_ns : gone_ns, 0, 0);
    lane->cut = false;
}

void bt2_lane_advance(struct bt2_lane *lane)
{
    lane->head = BT2_NONE;
    while (lane->head == BT2_NONE) {
        if (lane->at == lane->message_count && !lane->over)
            fetch(lane);
        if (lane->over)
            break;
        const bt_message *message = lane->messages[lane->at];
        take_message(lane, message);
        if (lane->head == BT2_EVENT)
            return; /* the message is kept until the event is taken */
        bt_message_put_ref(message);
        lane->at++;
    }
    if (lane->head == BT2_NONE)
        finish(lane);
}

const bt_event *bt2_lane_event(const struct bt2_lane *lane)
{
    return bt_message_event_borrow_event_const(lane->messages[lane->at]);
}

void bt2_lane_pass(struct bt2_lane *lane)
{
    bt_message_put_ref(lane->messages[lane->at++]);
}
