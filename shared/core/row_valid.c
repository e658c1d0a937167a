#include "core/row_valid.h"

#include "analysis/older_begins.h"
#include "trace/passed.h"
#include "trace/schema.h"

enum { NAMES_OF_A_RECORD = 3, ERRNO_LAST = 4095 };

static bool is_cpu(int32_t cpu)
{
    return cpu >= 0 && cpu <= CPU_NUMBER_MAX;
}

/* A running handler has a begin time. */
static bool has_handlers(const struct cpu_line *line)
{
    bool irq = line->handlers & HANDLER_IN_IRQ, softirq = line->handlers & HANDLER_IN_SOFTIRQ;
    return (!irq || ((line->handlers & HANDLER_IRQ_KNOWN) && line->irq_ns != TIME_NONE)) &&
           (!softirq ||
            ((line->handlers & HANDLER_SOFTIRQ_KNOWN) && line->softirq_ns != TIME_NONE));
}

static bool are_slices(const struct cpu_slice *slices, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!cpu_slice_is_sound(&slices[i]))
            return false;
    return count <= CPU_SLICES;
}

static bool is_name(uint32_t name, size_t index)
{
    return name / NAMES_OF_A_RECORD <= index;
}

static bool is_cpu_line(const struct cpu_line *line, size_t index)
{
    bool has_run = line->known && line->run_whole; /* it becomes a slice */
    return is_cpu(line->cpu) && is_name(line->current, index) && has_handlers(line) &&
           (!has_run || line->run_begin_ns != TIME_NONE) &&
           are_slices(line->slices, line->slice_count);
}

static bool is_let(const struct let *let, bool by_cpu, size_t index)
{
    return let->name > 0 && is_name(let->name, index) && let->time_ns != TIME_NONE &&
           (!by_cpu || is_cpu(let->cpu));
}

static bool is_label(const struct label_let *let, const struct phase_set *phases)
{
    bool has_values = let->kind == LABEL_PARENT && let->definition < phases->count &&
                      let->value_count == (size_t)phases->at[let->definition]->match_count;
    return let->kind <= LABEL_CALL && (let->kind != LABEL_CHILD || let->name.at) &&
           (let->value_count == 0 || has_values);
}

static bool is_call_sum(const struct call_sum *sum)
{
    if (!sum->call)
        return false;
    for (uint32_t i = 0; i < sum->cell.error_count; i++)
        if (sum->cell.errors[i].number < 1 || sum->cell.errors[i].number > ERRNO_LAST)
            return false;
    return true;
}

static bool is_phase_cell(const struct phase_cell *cell)
{
    return cell->hopped <= cell->complete.count && cell->over <= cell->complete.count;
}

static bool is_ended(const struct ended_instance *ended)
{
    return waits_are_sound(ended->waits, ended->wait_count) && ended->rank.order >> 63 == 0;
}

static bool is_life(const struct life_line *line, size_t index)
{
    if ((line->state_known && line->state > STATE_BLOCKED) || (line->is_open && !line->open.call) ||
        !is_name(line->life, index) || !is_name(line->used[0], index) ||
        !is_name(line->used[1], index))
        return false;
    for (size_t i = 0; i < line->call_count; i++)
        if (!is_call_sum(&line->calls[i]))
            return false;
    for (size_t i = 0; i < line->phase_count; i++)
        if (!is_phase_cell(&line->phases[i].cell))
            return false;
    for (size_t i = 0; i < line->ended_count; i++)
        if (!is_ended(&line->ended[i].ended))
            return false;
    return true;
}

static bool are_steps(const struct steps_line *line)
{
    for (size_t i = 0; i < line->call_count; i++)
        if (!line->calls[i].call)
            return false;
    struct begin_steps steps = {.count = line->count,
                                .events = line->events,
                                .bytes = {(const uint8_t *)line->bytes.at, line->bytes.count},
                                .call_count = line->call_count};
    return older_begins_valid(&steps) && (line->has_other || !steps.has_other);
}

static bool are_older_begins(const struct instance_line *line,
                             const struct phase_definition *definition)
{
    uint64_t count = 1, event = line->oldest.event;
    bool sound = definition->match_count == 0 && line->oldest.begin_ns != TIME_NONE &&
                 line->youngest.begin_ns != TIME_NONE && line->youngest.event < line->event;
    for (size_t i = 0; sound && event <= line->youngest.event && i < line->steps_count; i++) {
        sound = are_steps(&line->steps[i]);
        event += line->steps[i].events;
        count += line->steps[i].count;
    }
    return sound && count == line->older_begins && event == line->youngest.event;
}

static bool has_segments(const struct phase_definition *definition)
{
    return definition->segments && definition->match_count > 0;
}

static bool is_instance(const struct instance_line *line, size_t index,
                        const struct phase_set *phases)
{
    return is_name(line->life, index) && line->event >> 47 == 0 &&
           line->definition < phases->count &&
           line->value_count == phase_value_count(phases->at[line->definition]) &&
           (line->older_begins == 0 || are_older_begins(line, phases->at[line->definition])) &&
           (line->segments.since_ns == TIME_NONE ? line->name == 0
                                                 : has_segments(phases->at[line->definition])) &&
           waits_are_sound(line->segments.waits, line->segments.wait_count) &&
           is_name(line->name, index) && is_name(line->request, index);
}

static bool is_event(const struct event *event)
{
    bool is_call = event->kind == EVENT_CALL_ENTRY || event->kind == EVENT_CALL_EXIT;
    bool needs_cpu = event->kind == EVENT_SWITCH;
    return event->time_ns != TIME_NONE && event->cpu >= (needs_cpu ? 0 : -1) &&
           event->cpu <= CPU_NUMBER_MAX && (!is_call || event->call) &&
           event->field_count == event->class->field_count;
}

static bool is_step(const struct step *step, size_t index)
{
    return is_event(&step->event) && is_name(step->actor, index) && is_name(step->prev, index) &&
           is_name(step->next, index);
}

static bool is_place(const struct place_line *line, size_t index)
{
    return is_name(line->place, index) && is_name(line->life, index) && line->fd >= 0 &&
           line->kind < DESCRIPTOR_KINDS && (!line->named || line->name.at);
}

static bool are_passed(const struct passed_line *line, size_t index)
{
    return is_name(line->life, index) &&
           passed_are((struct bytes){(const uint8_t *)line->bytes.at, line->bytes.count},
                      line->count);
}

static bool is_change(const struct change_step *step, size_t index)
{
    return step->change <= CHANGE_CLOEXEC && is_name(step->place, index) &&
           is_name(step->life, index) && step->fd >= 0 && step->from >= 0 &&
           step->time_ns != TIME_NONE;
}

static bool is_count(const struct count_line *line, size_t index, const struct phase_set *phases)
{
    uint32_t at = count_line_definition(line, phases);
    if (at >= phases->count_count || line->whose > COUNT_OF_LAST ||
        line->whose == COUNT_OF_OTHERS || line->cpu > CPU_NUMBER_MAX || !is_name(line->life, index))
        return false;
    size_t fields = count_field_count(phases->counts[at]);
    const struct count_cell *cell = &line->cell;
    return line->value_count == fields && cell->negative <= cell->count &&
           cell->value.count <= cell->count - cell->negative;
}

static bool is_span(const struct span_line *line, size_t index, const struct phase_set *phases)
{
    if (line->kind > SPAN_USER_LOSS || line->time_ns == TIME_NONE)
        return false;
    if (line->kind == SPAN_USER_LOSS)
        return true;
    const struct count_line *by = &line->by;
    if (by->definition >= phase_set_defined_counts(phases) || by->built_in ||
        !phases->counts[by->definition]->span || line->whose > COUNT_OF_IDLE ||
        line->cpu > CPU_NUMBER_MAX || !is_name(line->life, index))
        return false;
    const struct span_pair *span = phases->counts[by->definition]->span;
    return line->match_count == span->match_count &&
           (line->kind == SPAN_ENDS || is_count(by, index, phases));
}

static bool are_waits(const struct waits_line *line, size_t index)
{
    for (size_t i = 0; i < line->sum_count; i++)
        if (!who_is_sound(line->sums[i].who))
            return false;
    return is_name(line->life, index);
}

static bool are_layers(const struct layers_line *line, size_t index)
{
    for (size_t i = 0; i < line->wait_count; i++)
        if (!layer_wait_is_sound(&line->waits[i]))
            return false;
    return is_name(line->life, index);
}

bool record_is_valid(const struct record *record, size_t index, const struct phase_set *phases)
{
    switch ((enum record_kind)record->kind) {
    case RECORD_LET_CPU: return is_let(&record->let, true, index);
    case RECORD_LET_LIFE:
    case RECORD_AGAIN: return is_let(&record->let, false, index);
    case RECORD_LABEL:
        return is_label(&record->label, phases) && is_name(record->label.life, index);
    case RECORD_LET_PLACE:
        return is_name(record->place_let.place, index) && is_name(record->place_let.life, index) &&
               record->place_let.fd >= 0;
    case RECORD_LIFE: return is_life(&record->life, index);
    case RECORD_INSTANCE: return is_instance(&record->instance, index, phases);
    case RECORD_CPU: return is_cpu_line(&record->cpu, index);
    case RECORD_PLACE: return is_place(&record->place, index);
    case RECORD_USES: return is_name(record->uses.place, index);
    case RECORD_USE: return is_name(record->use.place, index) && record->use.entry_ns != TIME_NONE;
    case RECORD_CHANGE: return is_change(&record->change, index);
    case RECORD_EVENT: return is_step(&record->step, index);
    case RECORD_TIME: return record->time_ns != TIME_NONE;
    case RECORD_COUNT: return is_count(&record->count, index, phases);
    case RECORD_SPAN: return is_span(&record->span, index, phases);
    case RECORD_WAITS: return are_waits(&record->waits, index);
    case RECORD_LAYERS: return are_layers(&record->layers, index);
    case RECORD_PASSED: return are_passed(&record->passed, index);
    case RECORD_ANALYSIS: return true; /* checked by engine_check() */
    }
    return false;
}
