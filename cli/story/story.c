#include "cli/story/story.h"

#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/memory.h"
#include "cli/story/cpu_runs.h"
#include "cli/story/follow.h"
#include "cli/story/story_irq.h"
#include "cli/story/strace_text.h"
#include "trace/schema.h"
#include "trace/syscalls.h"

/* State of the machine, shared by all stories of a pass. */
struct machine {
    struct story_irqs irqs;
    struct cpu_runs runs;
};

struct telling {
    const struct machine *machine;
    const struct story_ask *ask;
    struct story *story;
    struct line line; /* buffer */
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

static struct story_tree *tree_of(const struct telling *telling)
{
    return &telling->story->tree;
}

static struct text written(const struct line *line)
{
    return (struct text){line->at, line->count};
}

static struct line *fresh(struct telling *telling)
{
    telling->line.count = 0;
    return &telling->line;
}

static uint64_t key_of(enum story_kind kind, struct text text)
{
    return hash_text(text) * 31 + (uint64_t)kind;
}

/* The name and number of a thread. */
static void thread_text(const struct telling *telling, struct line *line, int32_t tid,
                        int64_t at_ns)
{
    int64_t until_ns;
    const struct thread_row *row =
        tid > 0 ? story_names_thread(telling->ask->names, tid, at_ns, &until_ns) : NULL;
    if (tid == FOLLOW_UNKNOWN) {
        line_string(line, "an unknown thread");
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

static struct story_node *add_event(struct telling *telling, int64_t at_ns, struct text text,
                                    const char *class)
{
    struct story_tree *tree = tree_of(telling);
    struct story_node *node =
        story_tree_begin(tree, STORY_EVENT, at_ns, text, key_of(STORY_EVENT, text_of(class)));
    story_tree_end(tree, node, at_ns, text_of(""));
    return node;
}

/* --- interrupts --- */

/* An interrupt takes the CPU from the thread. */
static void on_irq(struct telling *telling, const struct followed *followed, enum irq_step step,
                   const char *irq)
{
    struct story_tree *tree = tree_of(telling);
    telling->story->events++;
    if (step == IRQ_BEGIN) {
        story_tree_begin(tree, STORY_IRQ, followed->wall_ns, text_of(irq),
                         key_of(STORY_IRQ, text_of(irq)));
        return;
    }
    struct story_node *open = story_tree_open(tree, STORY_IRQ);
    if (open)
        story_tree_end(tree, open, followed->wall_ns, text_of(""));
    else
        add_event(telling, followed->wall_ns, text_of("(a handler that began earlier ends)"),
                  "irq");
}

/* --- on and off the CPU --- */

static struct story_node *open_wait(const struct telling *telling)
{
    struct story_node *in = tree_of(telling)->in;
    bool waits = in && (in->kind == STORY_BLOCKED || in->kind == STORY_RUNNABLE ||
                        in->kind == STORY_UNKNOWN);
    return waits ? in : NULL;
}

static void end_wait(struct telling *telling, int64_t at_ns, struct text more)
{
    struct story_node *wait = open_wait(telling);
    if (wait)
        story_tree_end(tree_of(telling), wait, at_ns, more);
}

static void clear_instead(struct telling *telling)
{
    telling->instead.count = 0;
    telling->instead_count = 0;
}

static void add_instead(struct telling *telling, int32_t tid, int64_t at_ns)
{
    enum { SHOWN = 4 };
    if (tid == telling->ask->tid || telling->instead_count++ >= SHOWN)
        return;
    if (telling->instead.count > 0)
        line_string(&telling->instead, ", ");
    thread_text(telling, &telling->instead, tid, at_ns);
}

/* The thread leaves its CPU. */
static void on_switch_out(struct telling *telling, const struct followed *followed)
{
    const struct event *event = followed->event;
    bool known = event_has_value(event, 1);
    bool is_ready = known && follow_is_runnable(event->value[1]);
    struct line *line = fresh(telling);
    clear_instead(telling);
    end_wait(telling, followed->wall_ns, text_of("no end in the trace"));
    if (is_ready) {
        line_string(line, "preempted on CPU ");
        line_int(line, event->cpu);
        if (event_has_value(event, 2))
            add_instead(telling, (int32_t)event->value[2], followed->wall_ns);
    } else {
        line_string(line, known ? "blocked" : "off the CPU, reason unknown");
    }
    enum story_kind kind = is_ready ? STORY_RUNNABLE : known ? STORY_BLOCKED : STORY_UNKNOWN;
    story_tree_begin(tree_of(telling), kind, followed->wall_ns, written(line),
                     key_of(kind, text_of("")));
    telling->cpu = event->cpu;
    telling->is_on = false;
}

/* Another thread had the CPU that this one gets later. */
static void add_run(void *context, int32_t tid, int64_t ns)
{
    struct telling *telling = context;
    struct line *line = fresh(telling);
    if (tid == CPU_RUN_EARLIER)
        line_string(line, "others, earlier");
    else
        thread_text(telling, line, tid, telling->at_ns);
    story_sums_add(&telling->story->ran, &tree_of(telling)->arena, written(line), (uint64_t)ns);
}

/* The thread gets a CPU; threads that had this CPU before ran instead. */
static void on_switch_in(struct telling *telling, const struct followed *followed)
{
    const struct event *event = followed->event;
    struct story_node *wait = open_wait(telling);
    if (wait && wait->kind == STORY_RUNNABLE)
        cpu_runs_emit(&telling->machine->runs, event->cpu, wait->begin_ns, followed->wall_ns,
                      add_run, telling);
    struct line *line = fresh(telling);
    if (wait && wait->kind == STORY_RUNNABLE) {
        if (telling->instead_count == 0 && followed->tid > 0)
            add_instead(telling, followed->tid, followed->wall_ns);
        if (telling->instead.count > 0) {
            line_string(line, "ran instead: ");
            line_text(line, written(&telling->instead));
        } else if (followed->tid == 0) {
            line_string(line, "the CPU was idle before");
        }
        if (telling->instead_count > 4)
            line_string(line, ", ...");
        if (event->cpu != telling->cpu) {
            line_string(line, line->count > 0 ? "; on CPU " : "on CPU ");
            line_int(line, event->cpu);
        }
    } else if (wait && wait->kind == STORY_BLOCKED) {
        line_string(line, "waker unknown");
    }
    end_wait(telling, followed->wall_ns, written(line));
    telling->cpu = event->cpu;
    telling->is_on = true;
}

static void on_wakeup(struct telling *telling, const struct followed *followed)
{
    struct story_node *wait = open_wait(telling);
    if (!wait || wait->kind != STORY_BLOCKED)
        return;
    static const char woken_by[] = "woken by ";
    enum { WOKEN_BY = sizeof woken_by - 1 };
    struct line *line = fresh(telling);
    enum handler_level level;
    const char *irq = story_irqs_in(&telling->machine->irqs, followed->event->cpu, &level);
    line_string(line, woken_by);
    if (irq) {
        line_string(line, irq);
    } else if (followed->tid == 0) {
        line_string(line, "an interrupt on an idle CPU");
    } else {
        thread_text(telling, line, followed->tid, followed->wall_ns);
    }
    const struct text who = {line->at + WOKEN_BY, line->count - WOKEN_BY};
    story_sums_add(&telling->story->woken, &tree_of(telling)->arena, who,
                   (uint64_t)(followed->wall_ns - wait->begin_ns));
    clear_instead(telling);
    story_tree_end(tree_of(telling), wait, followed->wall_ns, written(line));
    story_tree_begin(tree_of(telling), STORY_RUNNABLE, followed->wall_ns,
                     text_of("waits for a CPU"), key_of(STORY_RUNNABLE, text_of("woken")));
}

static void on_loss(struct telling *telling, const struct followed *followed)
{
    if (followed->event->cpu != telling->cpu || !telling->has_begun)
        return;
    telling->story->lost += (uint64_t)followed->event->value[0];
    struct line *line = fresh(telling);
    line_uint(line, (uint64_t)followed->event->value[0]);
    line_string(line, " events are lost on CPU ");
    line_int(line, followed->event->cpu);
    line_string(line, "; unknown from here on");
    end_wait(telling, followed->wall_ns, text_of("no end in the trace"));
    story_tree_begin(tree_of(telling), STORY_UNKNOWN, followed->wall_ns, written(line),
                     key_of(STORY_UNKNOWN, text_of("lost")));
}

/* --- calls --- */

static void call_text(const struct telling *telling, struct line *line,
                      const struct followed *followed)
{
    struct strace_names names = {
        .names = telling->ask->names, .pid = telling->ask->pid, .wall_ns = followed->wall_ns};
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

static void begin_call(struct telling *telling, int64_t at_ns, struct text text)
{
    struct story_node *open = story_tree_open(tree_of(telling), STORY_CALL);
    if (open)
        story_tree_end(tree_of(telling), open, at_ns, text_of("= ? (no end in the trace)"));
    story_tree_begin(tree_of(telling), STORY_CALL, at_ns, text, call_key(text));
}

static void on_call_exit(struct telling *telling, const struct followed *followed)
{
    struct story_node *open = story_tree_open(tree_of(telling), STORY_CALL);
    struct line *line = fresh(telling);
    if (open) {
        strace_text_exit(line, followed->event, text_of(open->text));
        story_tree_end(tree_of(telling), open, followed->wall_ns, written(line));
        return;
    }
    line_string(line, followed->event->call ? followed->event->call->name : "?");
    line_string(line, "(...) ");
    strace_text_exit(line, followed->event, text_of(""));
    line_string(line, " (no begin in the trace)");
    add_event(telling, followed->wall_ns, written(line), "exit");
}

/* --- phases --- */

/* The innermost open phase of the definition. */
static struct story_node *open_phase(const struct telling *telling, uint32_t definition)
{
    struct story_node *node = tree_of(telling)->in;
    while (node && (node->kind != STORY_PHASE || node->definition != definition))
        node = node->parent;
    return node;
}

/* Ends it with the text in the line. The thread's current call continues after the phase. */
static void end_phase(struct telling *telling, struct story_node *phase, int64_t at_ns)
{
    struct story_tree *tree = tree_of(telling);
    struct story_node *call = story_tree_open(tree, STORY_CALL);
    for (const struct story_node *node = phase; node && call; node = node->parent)
        if (node == call)
            call = NULL; /* the phase is in the call */
    if (call)
        story_tree_end(tree, call, at_ns, text_of("... continues after the phase"));
    story_tree_end(tree, phase, at_ns, written(&telling->line));
    if (call)
        story_tree_begin(tree, STORY_CALL, at_ns, text_of(call->text), call->key);
}

/* Whether the event ends a phase in the instance. */
static bool on_phase_end(struct telling *telling, const struct followed *followed)
{
    const struct event *event = followed->event;
    for (size_t i = 0; i < event->class->end_count; i++) {
        const struct phase_definition *definition = event->class->phases->at[event->class->ends[i]];
        struct story_node *node = open_phase(telling, event->class->ends[i]);
        if (!node || node == tree_of(telling)->root ||
            !phase_filters_pass(definition->end_filter, definition->end_filter_count, event,
                                event_shown))
            continue;
        struct line *line = fresh(telling);
        line_string(line, "... ");
        strace_text_other(line, event);
        end_phase(telling, node, followed->wall_ns);
        return true;
    }
    return false;
}

static void begin_phase(struct telling *telling, const struct followed *followed, uint32_t index)
{
    const struct event *event = followed->event;
    const struct phase_definition *definition = event->class->phases->at[index];
    const struct field_value *told =
        definition->name_is_field ? event_shown(event, definition->name) : NULL;
    struct line *line = fresh(telling);
    line_string(line, "phase ");
    if (told && told->type == FIELD_TEXT)
        line_text(line, told->text);
    else
        line_string(line, definition->name);
    line_string(line, ": ");
    uint64_t key = key_of(STORY_PHASE, written(line));
    strace_text_other(line, event);
    story_tree_begin(tree_of(telling), STORY_PHASE, followed->wall_ns, written(line), key)
        ->definition = index;
}

/* Whether the event begins a phase in the instance. */
static bool on_phase_begin(struct telling *telling, const struct followed *followed)
{
    const struct event *event = followed->event;
    for (size_t i = 0; i < event->class->begin_count; i++) {
        uint32_t index = event->class->begins[i];
        const struct phase_definition *definition = event->class->phases->at[index];
        bool is_root =
            index == telling->ask->definition && followed->wall_ns == telling->ask->begin_ns;
        if (is_root || !phase_filters_pass(definition->begin_filter, definition->begin_filter_count,
                                           event, event_shown))
            continue;
        begin_phase(telling, followed, index);
        return true;
    }
    return false;
}

/* --- events of the thread --- */

static void on_own(struct telling *telling, const struct followed *followed)
{
    const struct event *event = followed->event;
    telling->story->events++;
    if (event->kind == EVENT_SWITCH) {
        on_switch_out(telling, followed);
        return;
    }
    /* It runs, in spite of its tracked state. */
    end_wait(telling, followed->wall_ns, text_of("no end in the trace"));
    telling->cpu = event->cpu;
    telling->is_on = true;
    if (event->kind == EVENT_CALL_EXIT)
        on_call_exit(telling, followed);
    bool of_phase = on_phase_end(telling, followed);
    of_phase |= on_phase_begin(telling, followed);
    if (event->kind == EVENT_CALL_ENTRY) {
        call_text(telling, &telling->call, followed);
        begin_call(telling, followed->wall_ns, written(&telling->call));
    } else if (event->kind != EVENT_CALL_EXIT && !of_phase) {
        strace_text_other(fresh(telling), event);
        struct story_node *node =
            add_event(telling, followed->wall_ns, written(&telling->line), event->class->name);
        node->is_minor = event->domain == DOMAIN_KERNEL &&
                         (event->kind == EVENT_OTHER || event_is_of_handler(event));
    }
}

/* Before the instance: tracks the thread's call and CPU. */
static void on_before(struct telling *telling, const struct followed *followed, bool is_own)
{
    const struct event *event = followed->event;
    if (!is_own)
        return;
    telling->cpu = event->cpu;
    if (event->kind == EVENT_CALL_ENTRY) {
        telling->is_in_call = true;
        telling->entered_ns = followed->wall_ns;
        call_text(telling, &telling->call, followed);
    } else if (event->kind == EVENT_CALL_EXIT) {
        telling->is_in_call = false;
    }
}

static void begin_story(struct telling *telling)
{
    const struct story_ask *ask = telling->ask;
    telling->has_begun = true;
    story_tree_begin(tree_of(telling), STORY_PHASE, ask->begin_ns, ask->title, 0)->definition =
        ask->definition;
    if (!telling->is_in_call)
        return;
    line_string(&telling->call, " (begun ");
    line_seconds(&telling->call, (uint64_t)(ask->begin_ns - telling->entered_ns), 9);
    line_string(&telling->call, " before)");
    begin_call(telling, ask->begin_ns, written(&telling->call));
}

static void take_for(struct telling *telling, const struct followed *followed, enum irq_step step,
                     const char *irq)
{
    const struct story_ask *ask = telling->ask;
    const struct event *event = followed->event;
    bool is_own = followed->tid == ask->tid && event->kind != EVENT_LOSS;
    telling->at_ns = followed->wall_ns;
    telling->is_over = followed->wall_ns > ask->end_ns;
    if (telling->is_over)
        return;
    if (!telling->has_begun && followed->wall_ns >= ask->begin_ns && is_own)
        begin_story(telling);
    if (step != IRQ_NONE) {
        if (telling->has_begun && is_own)
            on_irq(telling, followed, step, irq);
        return;
    }
    if (!telling->has_begun) {
        on_before(telling, followed, is_own);
    } else if (event->kind == EVENT_LOSS) {
        if (event_is_border(event))
            on_loss(telling, followed);
    } else if (is_own) {
        on_own(telling, followed);
    } else if (event->kind == EVENT_SWITCH && event_has_value(event, 2)) {
        if (event->value[2] == ask->tid)
            on_switch_in(telling, followed);
        else if (!telling->is_on && event->cpu == telling->cpu && telling->instead_count > 0)
            add_instead(telling, (int32_t)event->value[2], followed->wall_ns);
    } else if (event->kind == EVENT_WAKEUP && event_has_value(event, 0) &&
               event->value[0] == ask->tid) {
        on_wakeup(telling, followed);
    }
}

struct tellings {
    struct machine machine;
    struct telling *at;
    size_t count;
};

static bool take(void *context, const struct followed *followed)
{
    struct tellings *all = context;
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

void stories_tell(const struct story_ask *asks, struct story *out, size_t count)
{
    struct tellings all = {.at = memory_new((count + 1) * sizeof *all.at), .count = count};
    struct follow following = {.chunks = asks->chunks,
                               .count = asks->count,
                               .phases = asks->phases,
                               .shows = shows_all,
                               .begin_ns = INT64_MAX,
                               .end_ns = INT64_MIN,
                               .warnings = asks->warnings,
                               .take = take,
                               .context = &all};
    for (size_t i = 0; i < count; i++) {
        const struct story_ask *ask = &asks[i];
        out[i] = (struct story){.tree = {.knows_states = ask->knows_states}};
        all.at[i] =
            (struct telling){.machine = &all.machine, .ask = ask, .story = &out[i], .cpu = -1};
        if (ask->begin_ns < following.begin_ns)
            following.begin_ns = ask->begin_ns;
        if (ask->end_ns > following.end_ns)
            following.end_ns = ask->end_ns;
    }
    follow(&following);
    for (size_t i = 0; i < count; i++) {
        if (out[i].tree.root)
            story_tree_end(&out[i].tree, out[i].tree.root, asks[i].end_ns, text_of(""));
        out[i].chunks = following.read;
        out[i].failed = following.failed;
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
