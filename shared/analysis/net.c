/* Packets by network interface: packets given to it, accepted by it, with their waits, and
 * received.
 *
 * A packet waits from net_dev_queue until the driver takes it (net_dev_xmit) or requests a retry.
 * It is identified by the address of its buffer. If the kernel splits a large packet before the
 * driver, the buffers of the parts were never queued.
 * Source: net/core/dev.c, __dev_queue_xmit(), xmit_one(); dev_xmit_complete(). */
#include "analysis/rule.h"
#include "analysis/view.h"

#define NET(T, KEY, REG, SUM)                                                                      \
    KEY(T, 1, text, name, "interface")                                                             \
    SUM(T, 2, durations, wait, "from queuing a packet to its acceptance by the driver")            \
    SUM(T, 3, count, queued, "packets queued")                                                     \
    SUM(T, 4, bytes, queued_bytes, "bytes of the packets queued")                                  \
    SUM(T, 5, count, sent, "packets accepted by the driver")                                       \
    SUM(T, 6, bytes, sent_bytes, "bytes of the packets accepted")                                  \
    SUM(T, 7, count, retries, "sends refused because the driver was busy")                         \
    SUM(T, 8, count, errors, "packets dropped by the driver")                                      \
    SUM(T, 9, count, received, "packets received")                                                 \
    SUM(T, 10, bytes, received_bytes, "bytes of the packets received")                             \
    SUM(T, 11, count, begin_unknown, "packets sent without a queue event in the trace")            \
    SUM(T, 12, count, end_unknown, "packets queued without a send event in the trace")
ATOM_DEFINE(net, NET)

#define NET_QUEUED(T, KEY, REG, SUM)                                                               \
    KEY(T, 1, number, skbaddr, "address of the packet buffer")                                     \
    REG(T, 2, time, queued_ns, "time of queuing")                                                  \
    REG(T, 3, text, name, "interface")
ATOM_DEFINE(net_queued, NET_QUEUED)

static const struct atom_view view = {.title = "Network interfaces",
                                      .columns = {{"Interface", "name", VIEW_VALUE},
                                                  {"Sent", "sent", VIEW_VALUE},
                                                  {"Bytes", "sent_bytes", VIEW_VALUE},
                                                  {"Received", "received", VIEW_VALUE},
                                                  {"Bytes", "received_bytes", VIEW_VALUE},
                                                  {"Wait p50", "wait", VIEW_P50},
                                                  {"Wait p99", "wait", VIEW_P99},
                                                  {"Wait max", "wait", VIEW_MAX},
                                                  {"Retries", "retries", VIEW_VALUE},
                                                  {"Errors", "errors", VIEW_VALUE}},
                                      .by = {NULL, "sent_bytes", VIEW_VALUE},
                                      .unknown = {"begin_unknown", "end_unknown"}};

static const struct atom_kind net_kind = {.tag = 37, ATOM_COLUMNS_OF(net), .view = &view};

static void lose(struct engine *engine, struct atom *atom)
{
    const struct net_key key = {.name = ((struct net_queued *)atom)->name};
    ((struct net *)lost_atom(engine, &net_kind, &key.atom))->end_unknown++;
}

static const struct atom_kind queued_kind = {
    .tag = 38, ATOM_COLUMNS_OF(net_queued), .lose = lose, .open_ns = UINT64_C(10000000000)};

enum { SKBADDR, LEN, RC };
enum {
    NEEDS_LEN = 1 << LEN,
    NEEDS_BOTH = 1 << SKBADDR | 1 << LEN,
    NEEDS_RC = NEEDS_BOTH | 1 << RC
};

static void find_interface(struct found *found, const struct event *event)
{
    const struct net_key key = {.name = event_has_text(event, 0) ? event->text[0] : text_of("")};
    found_atom(found, &net_kind, &key.atom);
}

static struct net_queued packet_of(const struct event *event)
{
    return (struct net_queued){.skbaddr = (uint64_t)event->value[SKBADDR],
                               .queued_ns = event->time_ns,
                               .name = event_has_text(event, 0) ? event->text[0] : text_of("")};
}

static void find_queue(struct found *found, const struct event *event)
{
    find_interface(found, event);
    struct net_queued packet = packet_of(event);
    found_opening(found, &queued_kind, &packet.atom);
}

/* Whether the driver is done with the packet. */
static bool is_taken(const struct event *event)
{
    enum { NET_XMIT_MASK = 0x0f }; /* include/linux/netdevice.h */
    return event->value[RC] < NET_XMIT_MASK;
}

static void find_xmit(struct found *found, const struct event *event)
{
    find_interface(found, event);
    const struct net_queued packet = packet_of(event);
    if (is_taken(event))
        found_ending(found, &queued_kind, &packet.atom);
}

static void apply_queue(struct atom *const *atoms, const struct event *event)
{
    struct net *net = (struct net *)atoms[0];
    net->queued++;
    net->queued_bytes += (uint64_t)event->value[LEN];
}

static void apply_xmit(struct atom *const *atoms, const struct event *event)
{
    struct net *net = (struct net *)atoms[0];
    if (!is_taken(event)) {
        net->retries++;
        return;
    }
    const struct net_queued *packet = (const struct net_queued *)atoms[1];
    if (packet)
        durations_add(&net->wait, event->time_ns - packet->queued_ns);
    else
        net->begin_unknown++;
    net->errors += event->value[RC] != 0;
    if (event->value[RC] != 0)
        return;
    net->sent++;
    net->sent_bytes += (uint64_t)event->value[LEN];
}

static void apply_receive(struct atom *const *atoms, const struct event *event)
{
    struct net *net = (struct net *)atoms[0];
    net->received++;
    net->received_bytes += (uint64_t)event->value[LEN];
}

ANALYSIS_RULE(queue, find_queue, apply_queue, DEFINES_NOTHING)
ANALYSIS_RULE(xmit, find_xmit, apply_xmit, DEFINES_NOTHING)
ANALYSIS_RULE(receive, find_interface, apply_receive, DEFINES_NOTHING)

/* LTTng before 2.9 has netif_receive_skb. Packets of net_if_rx also have a net_if_receive_skb. */
static const struct rule rules[] = {
    {{"net_dev_queue",
      {{"skbaddr", SLOT_VALUE, SKBADDR}, {"len", SLOT_VALUE, LEN}, {"name", SLOT_TEXT, 0}},
      NEEDS_BOTH},
     .tag = 12,
     ANALYSIS_RULE_OF(queue)},
    {{"net_dev_xmit",
      {{"skbaddr", SLOT_VALUE, SKBADDR},
       {"len", SLOT_VALUE, LEN},
       {"rc", SLOT_VALUE, RC},
       {"name", SLOT_TEXT, 0}},
      NEEDS_RC},
     .tag = 13,
     ANALYSIS_RULE_OF(xmit)},
    {{"net_if_receive_skb", {{"len", SLOT_VALUE, LEN}, {"name", SLOT_TEXT, 0}}, NEEDS_LEN},
     .tag = 14,
     ANALYSIS_RULE_OF(receive)},
    {{"netif_receive_skb", {{"len", SLOT_VALUE, LEN}, {"name", SLOT_TEXT, 0}}, NEEDS_LEN},
     .tag = 15,
     ANALYSIS_RULE_OF(receive)},
};

/* --- by sender --- */

static struct field_value read_name(const struct event *event)
{
    if (!event_has_text(event, 0))
        return (struct field_value){.type = FIELD_ABSENT};
    struct text name = event->text[0];
    name.count = phase_text_fit(name);
    return (struct field_value){.type = FIELD_TEXT, .text = name};
}

static struct field_value read_bytes(const struct event *event)
{
    return (struct field_value){.type = FIELD_UINT, .u = (uint64_t)event->value[LEN]};
}

static const struct count_by by[] = {{COUNT_BY_FIELD, "interface", read_name, NULL},
                                     {COUNT_BY_PROCESS, "process", NULL, NULL},
                                     {COUNT_BY_PHASE, "phase", NULL, NULL}};
/* The sender itself gives the packet to the interface; any thread may give it to the driver. */
static const struct built_in_count queued = {.number = 1,
                                             .needs = NEEDS_LEN,
                                             .read = read_bytes,
                                             .title = "Network packets sent",
                                             .value_title = "Bytes",
                                             .of_bytes = true};
static const struct count_definition sent = {.name = BUILT_IN_PREFIX "net_sent",
                                             .event = "net_dev_queue",
                                             .by = by,
                                             .by_count = sizeof by / sizeof *by,
                                             .value = "bytes",
                                             .built_in = &queued};
/* A softirq receives them, in any thread. */
static const struct built_in_count taken = {.number = 2,
                                            .needs = NEEDS_LEN,
                                            .read = read_bytes,
                                            .in_handler = true,
                                            .title = "Network packets received",
                                            .value_title = "Bytes",
                                            .of_bytes = true};
static const struct count_definition received = {.name = BUILT_IN_PREFIX "net_received",
                                                 .event = "net*if_receive_skb",
                                                 .by = by,
                                                 .by_count = sizeof by / sizeof *by,
                                                 .value = "bytes",
                                                 .built_in = &taken};

static const struct atom_kind *const kinds[] = {&net_kind, &queued_kind};
static const struct count_definition *const counts[] = {&sent, &received, NULL};
const struct analysis net_analysis = {"net", kinds, 2, rules, sizeof rules / sizeof *rules, counts};
