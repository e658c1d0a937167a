#include "cli/story/story.h"

#include <stdlib.h>

#include "base/hash.h"
#include "base/memory.h"
#include "cli/story/cpu_runs.h"
#include "cli/story/follow.h"
#include "cli/story/story_irq.h"
#include "cli/story/story_phases.h"
#include "cli/story/strace_text.h"
#include "trace/schema.h"
#include "trace/syscalls.h"

/* State of the machine, shared by all stories of a pass. */
struct machine {
    struct story_irqs irqs;
    struct cpu_runs runs;
};

struct story_builder {
    const struct machine *machine;
    const struct story_request *request;
    struct story *story;
    struct line line; /* buffer */
    struct story_phases phases;
    bool has_begun;
    int32_t cpu; /* the last CPU; -1: unknown */
    bool is_on;  /* it runs there */
    bool is_over;
    /* Its call when the instance begins. */
    bool is_in_call;
    int64_t entered_ns;
    struct line call;
    int64_t at_ns; /* now */
    /* Threads that ran instead. */
    struct line instead;
    unsigned instead_count;
};

static struct story_tree *tree_of(const struct story_builder *builder)
{
    return &builder->story->tree;
}

static struct text written(const struct line *line)
{
    return (struct text){line->at, line->count};
}

static struct line *empty_line(struct story_builder *builder)
{
    builder->line.count = 0;
    return &builder->line;
}

static uint64_t key_of(enum story_kind kind, struct text text)
{
    return hash_text(text) * 31 + (uint64_t)kind;
}

/* The name and number of a thread. */
static void thread_text(const struct story_builder *builder, struct line *line, int32_t tid,
                        int64_t at_ns)
{
    int64_t until_ns;
    const struct thread_row *row =
        tid > 0 ? story_names_thread(builder->request->names, tid, at_ns, &until_ns) : NULL;
    if (tid == FOLLOW_UNKNOWN) {
        line_string(line, "unknown");
        return;
    }
    line_string(line, tid == 0 ? "idle" : row && row->name ? row->name : "?");
    if (tid == 0)
        return;
    line_string(line, " (tid ");
    line_int(line, tid);
    if (row && row->pid != REPORT_NONE && row->pid != tid) {
        line_string(line, ", pid ");
        line_int(line, row->pid);
    }
    line_char(line, ')');
}

static struct story_node *add_event(struct story_builder *builder, int64_t at_ns, struct text text,
                                    const char *class)
{
    struct story_tree *tree = tree_of(builder);
    struct story_node *node =
        story_tree_begin(tree, STORY_EVENT, at_ns, text, key_of(STORY_EVENT, text_of(class)));
    story_tree_end(tree, node, at_ns, text_of(""));
    return node;
}

/* --- interrupts --- */

/* An interrupt takes the CPU from the thread. */
static void on_irq(struct story_builder *builder, const struct followed *followed,
                   enum irq_step step, const char *irq)
{
    struct story_tree *tree = tree_of(builder);
    builder->story->events++;
    if (step == IRQ_BEGIN) {
        story_tree_begin(tree, STORY_IRQ, followed->wall_ns, text_of(irq),
                         key_of(STORY_IRQ, text_of(irq)));
        return;
    }
    struct story_node *open = story_tree_open(tree, STORY_IRQ);
    if (open)
        story_tree_end(tree, open, followed->wall_ns, text_of(""));
    else
        add_event(builder, followed->wall_ns, text_of("(a handler that began earlier ends)"),
                  "irq");
}

/* --- on and off the CPU --- */

static struct story_node *open_wait(const struct story_builder *builder)
{
    struct story_node *in = tree_of(builder)->in;
    bool waits = in && (in->kind == STORY_BLOCKED || in->kind == STORY_RUNNABLE ||
                        in->kind == STORY_UNKNOWN);
    return waits ? in : NULL;
}

static void end_wait(struct story_builder *builder, int64_t at_ns, struct text more)
{
    struct story_node *wait = open_wait(builder);
    if (wait)
        story_tree_end(tree_of(builder), wait, at_ns, more);
}

static void clear_instead(struct story_builder *builder)
{
    builder->instead.count = 0;
    builder->instead_count = 0;
}

static void add_instead(struct story_builder *builder, int32_t tid, int64_t at_ns)
{
    enum { SHOWN = 4 };
    if (tid == builder->request->tid || builder->instead_count++ >= SHOWN)
        return;
    if (builder->instead.count > 0)
        line_string(&builder->instead, ", ");
    thread_text(builder, &builder->instead, tid, at_ns);
}

/* The thread leaves its CPU. */
static void on_switch_out(struct story_builder *builder, const struct followed *followed)
{
    const struct event *event = followed->event;
    bool known = event_has_value(event, 1);
    bool is_ready = known && follow_is_runnable(event->value[1]);
    struct line *line = empty_line(builder);
    clear_instead(builder);
    end_wait(builder, followed->wall_ns, text_of("no end in the trace"));
    if (is_ready) {
        line_string(line, "preempted on CPU ");
        line_int(line, event->cpu);
        if (event_has_value(event, 2))
            add_instead(builder, (int32_t)event->value[2], followed->wall_ns);
    } else {
        line_string(line, known ? "blocked" : "off the CPU, reason unknown");
    }
    enum story_kind kind = is_ready ? STORY_RUNNABLE : known ? STORY_BLOCKED : STORY_UNKNOWN;
    story_tree_begin(tree_of(builder), kind, followed->wall_ns, written(line),
                     key_of(kind, text_of("")));
    builder->cpu = event->cpu;
    builder->is_on = false;
}

/* Another thread had the CPU that this one gets later. */
static void add_run(void *context, int32_t tid, int64_t ns)
{
    struct story_builder *builder = context;
    struct line *line = empty_line(builder);
    if (tid == CPU_RUN_EARLIER)
        line_string(line, "others, earlier");
    else
        thread_text(builder, line, tid, builder->at_ns);
    story_sums_add(&builder->story->ran, &tree_of(builder)->arena, written(line), (uint64_t)ns);
}

/* The thread gets a CPU; threads that had this CPU before ran instead. */
static void on_switch_in(struct story_builder *builder, const struct followed *followed)
{
    const struct event *event = followed->event;
    struct story_node *wait = open_wait(builder);
    if (wait && wait->kind == STORY_RUNNABLE)
        cpu_runs_emit(&builder->machine->runs, event->cpu, wait->begin_ns, followed->wall_ns,
                      add_run, builder);
    struct line *line = empty_line(builder);
    if (wait && wait->kind == STORY_RUNNABLE) {
        if (builder->instead_count == 0 && followed->tid > 0)
            add_instead(builder, followed->tid, followed->wall_ns);
        if (builder->instead.count > 0) {
            line_string(line, "ran instead: ");
            line_text(line, written(&builder->instead));
        } else if (followed->tid == 0) {
            line_string(line, "the CPU was idle before");
        }
        if (builder->instead_count > 4)
            line_string(line, ", ...");
        if (event->cpu != builder->cpu) {
            line_string(line, line->count > 0 ? "; on CPU " : "on CPU ");
            line_int(line, event->cpu);
        }
    } else if (wait && wait->kind == STORY_BLOCKED) {
        line_string(line, "waker unknown");
    }
    end_wait(builder, followed->wall_ns, written(line));
    builder->cpu = event->cpu;
    builder->is_on = true;
}

static void on_wakeup(struct story_builder *builder, const struct followed *followed)
{
    struct story_node *wait = open_wait(builder);
    if (!wait || wait->kind != STORY_BLOCKED)
        return;
    static const char woken_by[] = "woken by ";
    enum { WOKEN_BY = sizeof woken_by - 1 };
    struct line *line = empty_line(builder);
    enum handler_level level;
    const char *irq = story_irqs_in(&builder->machine->irqs, followed->event->cpu, &level);
    line_string(line, woken_by);
    if (irq) {
        line_string(line, irq);
    } else if (followed->tid == 0) {
        line_string(line, "an interrupt on an idle CPU");
    } else {
        thread_text(builder, line, followed->tid, followed->wall_ns);
    }
    const struct text who = {line->at + WOKEN_BY, line->count - WOKEN_BY};
    story_sums_add(&builder->story->woken, &tree_of(builder)->arena, who,
                   (uint64_t)(followed->wall_ns - wait->begin_ns));
    clear_instead(builder);
    story_tree_end(tree_of(builder), wait, followed->wall_ns, written(line));
    story_tree_begin(tree_of(builder), STORY_RUNNABLE, followed->wall_ns,
                     text_of("waits for a CPU"), key_of(STORY_RUNNABLE, text_of("woken")));
}

/* The number may be 0: the events may count as lost elsewhere. */
static void on_loss(struct story_builder *builder, const struct followed *followed)
{
    const uint64_t lost = (uint64_t)followed->event->value[0];
    const uint64_t key = key_of(STORY_UNKNOWN, text_of("lost"));
    struct story_node *wait = open_wait(builder);
    if (followed->event->cpu != builder->cpu || !builder->has_begun ||
        (lost == 0 && wait && wait->key == key))
        return;
    builder->story->lost += lost;
    struct line *line = empty_line(builder);
    if (lost > 0) {
        line_uint(line, lost);
        line_string(line, lost == 1 ? " event is lost on CPU " : " events are lost on CPU ");
    } else {
        line_string(line, "events are lost on CPU ");
    }
    line_int(line, followed->event->cpu);
    line_string(line, "; unknown from here on");
    if (wait && wait->key == key && wait->begin_ns == followed->wall_ns) {
        wait->text = arena_string(&tree_of(builder)->arena, written(line));
        return;
    }
    end_wait(builder, followed->wall_ns,
             text_of(wait && wait->key == key ? "" : "no end in the trace"));
    story_tree_begin(tree_of(builder), STORY_UNKNOWN, followed->wall_ns, written(line), key);
}

/* --- calls --- */

static void call_text(const struct story_builder *builder, struct line *line,
                      const struct followed *followed)
{
    struct strace_names names = {.names = builder->request->names,
                                 .pid = builder->request->pid,
                                 .wall_ns = followed->wall_ns};
    line->count = 0;
    strace_text_entry(line, followed->event, &names);
}

/* Calls of one name on one descriptor look the same. */
static uint64_t call_key(struct text text)
{
    size_t count = 0;
    while (count < text.count && text.at[count] != ',')
        count++;
    return key_of(STORY_CALL, (struct text){text.at, count});
}

static void begin_call(struct story_builder *builder, int64_t at_ns, struct text text)
{
    struct story_node *open = story_tree_open(tree_of(builder), STORY_CALL);
    if (open)
        story_tree_end(tree_of(builder), open, at_ns, text_of("= ? (no end in the trace)"));
    story_tree_begin(tree_of(builder), STORY_CALL, at_ns, text, call_key(text));
}

static void on_call_exit(struct story_builder *builder, const struct followed *followed)
{
    struct story_node *open = story_tree_open(tree_of(builder), STORY_CALL);
    struct line *line = empty_line(builder);
    if (open) {
        strace_text_exit(line, followed->event, text_of(open->text));
        story_tree_end(tree_of(builder), open, followed->wall_ns, written(line));
        return;
    }
    line_string(line, followed->event->call ? followed->event->call->name : "?");
    line_string(line, "(...) ");
    strace_text_exit(line, followed->event, text_of(""));
    line_string(line, " (no begin in the trace)");
    add_event(builder, followed->wall_ns, written(line), "exit");
}

/* --- phases --- */

/* Ends it with the text in the line. The thread's current call continues after the phase. */
static void end_phase(struct story_builder *builder, struct story_node *phase, int64_t at_ns)
{
    struct story_tree *tree = tree_of(builder);
    struct story_node *call = story_tree_open(tree, STORY_CALL);
    for (const struct story_node *node = phase; node && call; node = node->parent)
        if (node == call)
            call = NULL; /* the phase is in the call */
    if (call)
        story_tree_end(tree, call, at_ns, text_of("... continues after the phase"));
    story_tree_end(tree, phase, at_ns, written(&builder->line));
    if (call)
        story_tree_begin(tree, STORY_CALL, at_ns, text_of(call->text), call->key);
}

/* The name of the phase that the event begins or ends. */
static struct text phase_name(const struct phase_definition *definition, const struct event *event)
{
    const struct field_value *value =
        definition->name_is_field ? event_shown(event, definition->name) : NULL;
    return value && value->type == FIELD_TEXT ? value->text : text_of(definition->name);
}

/* What an event does to the phases of a thread. */
struct phase_step {
    bool is_of_phase;       /* a phase in the instance begins or ends */
    enum story_other other; /* else: another instance does */
    struct text name;       /* of that */
};

static void on_phase_end(struct story_builder *builder, const struct followed *followed,
                         struct phase_step *step)
{
    const struct event *event = followed->event;
    for (size_t i = 0; i < event->class->end_count; i++) {
        uint32_t index = event->class->ends[i];
        const struct phase_definition *definition = &builder->request->phases->at[index];
        if (!phase_filters_pass(definition->end_filter, definition->end_filter_count, event,
                                event_shown) ||
            (index == builder->request->definition &&
             followed->wall_ns == builder->request->end_ns))
            continue;
        story_phases_settle(&builder->phases);
        struct story_node *node;
        switch (story_phases_take_end(&builder->phases, definition, event, &node)) {
        case STORY_ENDS_NONE: break;
        case STORY_ENDS_ROOT: return;
        case STORY_ENDS_OTHER:
            step->other = STORY_OTHER_ENDS;
            step->name = phase_name(definition, event);
            break;
        case STORY_ENDS_PHASE: {
            struct line *line = empty_line(builder);
            line_string(line, "... ");
            strace_text_other(line, event);
            end_phase(builder, node, followed->wall_ns);
            step->is_of_phase = true;
            return;
        }
        }
    }
}

static void begin_phase(struct story_builder *builder, const struct followed *followed,
                        uint32_t index)
{
    const struct phase_definition *definition = &builder->request->phases->at[index];
    struct line *line = empty_line(builder);
    line_string(line, "phase ");
    line_text(line, phase_name(definition, followed->event));
    line_string(line, ": ");
    uint64_t key = key_of(STORY_PHASE, written(line));
    strace_text_other(line, followed->event);
    story_phases_push(&builder->phases, story_tree_begin(tree_of(builder), STORY_PHASE,
                                                         followed->wall_ns, written(line), key));
    story_phases_know(&builder->phases, definition, followed);
}

static void on_phase_begin(struct story_builder *builder, const struct followed *followed,
                           struct phase_step *step)
{
    const struct event *event = followed->event;
    const struct story_request *request = builder->request;
    for (size_t i = 0; i < event->class->begin_count; i++) {
        uint32_t index = event->class->begins[i];
        const struct phase_definition *definition = &request->phases->at[index];
        if (!phase_filters_pass(definition->begin_filter, definition->begin_filter_count, event,
                                event_shown))
            continue;
        story_phases_settle(&builder->phases);
        if (index == request->definition && followed->wall_ns == request->begin_ns) {
            if (builder->phases.count == 1)
                story_phases_know(&builder->phases, definition, followed);
        } else if (story_phases_take_begin(&builder->phases, request->phases, definition,
                                           followed)) {
            begin_phase(builder, followed, index);
            step->is_of_phase = true;
            return;
        } else {
            step->other = STORY_OTHER_BEGINS;
            step->name = phase_name(definition, event);
            builder->story->overlapping += index == request->definition;
        }
    }
}

/* The event begins or ends an instance that is not part of this one. */
static void add_other(struct story_builder *builder, const struct followed *followed,
                      const struct phase_step *step)
{
    strace_text_other(empty_line(builder), followed->event);
    struct story_tree *tree = tree_of(builder);
    struct story_node *node =
        story_tree_begin(tree, STORY_EVENT, followed->wall_ns, step->name,
                         key_of(STORY_EVENT, step->name) * 31 + (uint64_t)step->other);
    node->other = (uint8_t)step->other;
    story_tree_end(tree, node, followed->wall_ns, written(&builder->line));
}

/* --- events of the thread --- */

static void on_own(struct story_builder *builder, const struct followed *followed)
{
    const struct event *event = followed->event;
    builder->story->events++;
    if (event->kind == EVENT_SWITCH) {
        on_switch_out(builder, followed);
        return;
    }
    /* It runs, in spite of its tracked state. */
    end_wait(builder, followed->wall_ns, text_of("no end in the trace"));
    builder->cpu = event->cpu;
    builder->is_on = true;
    if (event->kind == EVENT_CALL_EXIT)
        on_call_exit(builder, followed);
    struct phase_step step = {.is_of_phase = false};
    on_phase_end(builder, followed, &step);
    on_phase_begin(builder, followed, &step);
    if (event->kind == EVENT_CALL_ENTRY) {
        call_text(builder, &builder->call, followed);
        begin_call(builder, followed->wall_ns, written(&builder->call));
    } else if (event->kind == EVENT_CALL_EXIT || step.is_of_phase) {
        return;
    } else if (step.other != STORY_NO_OTHER) {
        add_other(builder, followed, &step);
    } else {
        strace_text_other(empty_line(builder), event);
        struct story_node *node =
            add_event(builder, followed->wall_ns, written(&builder->line), event->class->name);
        node->is_minor = event->domain == DOMAIN_KERNEL &&
                         (event->kind == EVENT_OTHER || event_is_of_handler(event));
    }
}

/* Before the instance: tracks the thread's call and CPU. */
static void on_before(struct story_builder *builder, const struct followed *followed, bool is_own)
{
    const struct event *event = followed->event;
    if (!is_own)
        return;
    builder->cpu = event->cpu;
    if (event->kind == EVENT_CALL_ENTRY) {
        builder->is_in_call = true;
        builder->entered_ns = followed->wall_ns;
        call_text(builder, &builder->call, followed);
    } else if (event->kind == EVENT_CALL_EXIT) {
        builder->is_in_call = false;
    }
}

static void begin_story(struct story_builder *builder)
{
    const struct story_request *request = builder->request;
    builder->has_begun = true;
    story_phases_push(&builder->phases, story_tree_begin(tree_of(builder), STORY_PHASE,
                                                         request->begin_ns, request->title, 0));
    if (!builder->is_in_call)
        return;
    line_string(&builder->call, " (begun ");
    line_seconds(&builder->call, (uint64_t)(request->begin_ns - builder->entered_ns), 9);
    line_string(&builder->call, " before)");
    begin_call(builder, request->begin_ns, written(&builder->call));
}

static void take_for(struct story_builder *builder, const struct followed *followed,
                     enum irq_step step, const char *irq)
{
    const struct story_request *request = builder->request;
    const struct event *event = followed->event;
    bool is_own = followed->tid == request->tid && event->kind != EVENT_LOSS;
    builder->at_ns = followed->wall_ns;
    builder->is_over = followed->wall_ns > request->end_ns;
    if (builder->is_over)
        return;
    if (!builder->has_begun && followed->wall_ns >= request->begin_ns && is_own)
        begin_story(builder);
    if (step != IRQ_NONE) {
        if (builder->has_begun && is_own)
            on_irq(builder, followed, step, irq);
        return;
    }
    if (!builder->has_begun) {
        on_before(builder, followed, is_own);
    } else if (event->kind == EVENT_LOSS) {
        if (event_is_border(event))
            on_loss(builder, followed);
    } else if (is_own) {
        on_own(builder, followed);
    } else if (event->kind == EVENT_SWITCH && event_has_value(event, 2)) {
        if (event->value[2] == request->tid)
            on_switch_in(builder, followed);
        else if (!builder->is_on && event->cpu == builder->cpu && builder->instead_count > 0)
            add_instead(builder, (int32_t)event->value[2], followed->wall_ns);
    } else if (event->kind == EVENT_WAKEUP && event_has_value(event, 0) &&
               event->value[0] == request->tid) {
        on_wakeup(builder, followed);
    }
}

struct story_builders {
    struct machine machine;
    struct story_builder *at;
    size_t count;
};

static bool take(void *context, const struct followed *followed)
{
    struct story_builders *all = context;
    const char *irq = NULL;
    enum irq_step step = story_irqs_take(&all->machine.irqs, followed->event, &irq);
    bool goes_on = false;
    cpu_runs_take(&all->machine.runs, followed);
    for (size_t i = 0; i < all->count; i++) {
        if (!all->at[i].is_over)
            take_for(&all->at[i], followed, step, irq);
        goes_on |= !all->at[i].is_over;
    }
    return goes_on;
}

static bool shows_all(enum domain domain, const char *name)
{
    (void)domain;
    (void)name;
    return true;
}

void stories_build(const struct story_request *requests, struct story *out, size_t count)
{
    struct story_builders all = {.at = memory_new((count + 1) * sizeof *all.at), .count = count};
    struct follow following = {.chunks = requests->chunks,
                               .count = requests->count,
                               .phases = requests->phases,
                               .shows = shows_all,
                               .begin_ns = INT64_MAX,
                               .end_ns = INT64_MIN,
                               .warnings = requests->warnings,
                               .take = take,
                               .context = &all};
    for (size_t i = 0; i < count; i++) {
        const struct story_request *request = &requests[i];
        out[i] = (struct story){.tree = {.knows_states = request->knows_states}};
        all.at[i] = (struct story_builder){
            .machine = &all.machine, .request = request, .story = &out[i], .cpu = -1};
        if (request->begin_ns < following.begin_ns)
            following.begin_ns = request->begin_ns;
        if (request->end_ns > following.end_ns)
            following.end_ns = request->end_ns;
    }
    follow(&following);
    for (size_t i = 0; i < count; i++) {
        if (out[i].tree.root)
            story_tree_end(&out[i].tree, out[i].tree.root, requests[i].end_ns, text_of(""));
        out[i].chunks = following.read;
        out[i].failed = following.failed;
        story_phases_clear(&all.at[i].phases);
        free(all.at[i].line.at);
        free(all.at[i].call.at);
        free(all.at[i].instead.at);
    }
    story_irqs_clear(&all.machine.irqs);
    cpu_runs_clear(&all.machine.runs);
    free(all.at);
}

void story_clear(struct story *story)
{
    free(story->woken.at);
    free(story->ran.at);
    arena_clear(&story->tree.arena);
}

void story_sums_add(struct story_sums *sums, struct arena *arena, struct text who, uint64_t ns)
{
    for (size_t i = 0; i < sums->count; i++)
        if (text_equal(text_of(sums->at[i].who), who)) {
            sums->at[i].ns += ns;
            return;
        }
    sums->at = memory_grow(sums->at, &sums->room, sums->count + 1, sizeof *sums->at);
    sums->at[sums->count++] = (struct story_sum){arena_string(arena, who), ns};
}
