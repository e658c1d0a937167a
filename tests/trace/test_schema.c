#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include <stdio.h>

#include "trace/schema.h"

static const struct event_class *kernel(struct schema *schema, const char *name)
{
    return schema_class(schema, DOMAIN_KERNEL, text_of(name));
}

static const struct slot *slot_of(const struct event_class *class, const char *field)
{
    for (size_t i = 0; i < class->slot_count; i++)
        if (strcmp(class->slots[i].field, field) == 0)
            return &class->slots[i];
    return NULL;
}

static bool fills(const struct event_class *class, const char *field, enum slot_type type,
                  unsigned index)
{
    const struct slot *slot = slot_of(class, field);
    return slot && slot->type == type && slot->index == index;
}

static bool wants_field(const struct event_class *class, const char *field)
{
    for (size_t i = 0; i < class->field_count; i++)
        if (strcmp(class->fields[i], field) == 0)
            return true;
    return false;
}

Test(schema, gives_the_same_class_for_the_same_name_and_dense_ids)
{
    struct schema *schema = schema_new(NULL);
    char name[32];
    const struct event_class *first[1000];
    for (int i = 0; i < 1000; i++) {
        snprintf(name, sizeof name, "event_%d", i);
        first[i] = kernel(schema, name);
    }
    for (int i = 0; i < 1000; i++) {
        snprintf(name, sizeof name, "event_%d", i);
        cr_assert(eq(ptr, (void *)(uintptr_t)kernel(schema, name), (void *)(uintptr_t)first[i]));
        cr_assert(eq(ptr, (void *)(uintptr_t)schema_class_by_id(schema, first[i]->id),
                     (void *)(uintptr_t)first[i]));
    }
    cr_expect(eq(sz, schema_class_count(schema), 1002), "a thousand and the two of losses");
    schema_free(schema);
}

Test(schema, a_switch_fills_its_slots)
{
    struct schema *schema = schema_new(NULL);
    const struct event_class *class = kernel(schema, "sched_switch");
    cr_expect(eq(int, class->kind, EVENT_SWITCH));
    cr_expect(eq(sz, class->slot_count, 5));
    cr_expect(fills(class, "prev_tid", SLOT_VALUE, 0));
    cr_expect(fills(class, "next_tid", SLOT_VALUE, 2));
    cr_expect(fills(class, "next_comm", SLOT_TEXT, 1));
    schema_free(schema);
}

Test(schema, entry_and_exit_share_their_call_and_compat_is_told)
{
    struct schema *schema = schema_new(NULL);
    const struct event_class *entry = kernel(schema, "syscall_entry_openat");
    const struct event_class *exit = kernel(schema, "compat_syscall_exit_openat");
    cr_expect(eq(ptr, (void *)(uintptr_t)entry->call, (void *)(uintptr_t)exit->call));
    cr_expect(eq(int, entry->kind, EVENT_CALL_ENTRY));
    cr_expect(eq(int, exit->kind, EVENT_CALL_EXIT));
    cr_expect(not(entry->compat));
    cr_expect(exit->compat);
    cr_expect(fills(entry, "filename", SLOT_TEXT, 0));
    cr_expect(fills(entry, "flags", SLOT_VALUE, 2));
    cr_expect(fills(exit, "ret", SLOT_VALUE, 0));
    cr_expect(fills(kernel(schema, "syscall_exit_pipe2"), "fildes", SLOT_INTS, 0));
    cr_expect(fills(kernel(schema, "syscall_exit_socketpair"), "socket", SLOT_INTS, 0));
    cr_expect(eq(int, kernel(schema, "syscall_entry_")->kind, EVENT_OTHER));
    schema_free(schema);
}

Test(schema, never_takes_a_user_space_event_for_the_kernels)
{
    struct schema *schema = schema_new(NULL);
    const struct event_class *class = schema_class(schema, DOMAIN_UST, text_of("sched_switch"));
    cr_expect(eq(int, class->kind, EVENT_OTHER));
    cr_expect(eq(sz, class->slot_count, 0));
    class = schema_class(schema, DOMAIN_UST, text_of("syscall_entry_read"));
    cr_expect(eq(int, class->kind, EVENT_OTHER));
    cr_expect(class->call == NULL);
    schema_free(schema);
}

Test(schema, an_unknown_entry_moves_its_raw_arguments_as_ints)
{
    struct schema *schema = schema_new(NULL);
    const struct event_class *class = kernel(schema, "syscall_entry_unknown");
    struct event event = {.class = class, .kind = class->kind};
    const int64_t args[6] = {0x100000003, 0xffffffff, 4, 0, 0, 0};
    cr_assert(class->unknown_call);
    cr_assert(class->call == NULL);

    event_set_unknown_call(schema, &event, 436, true, args, 6);
    cr_expect(eq(str, (char *)(uintptr_t)event.call->name, "close_range"));
    cr_expect(eq(i64, event.value[0], 3));
    cr_expect(eq(i64, event.value[1], -1));
    cr_expect(eq(i64, event.value[2], 4));
    cr_expect(eq(int, event.present, 7));
    schema_free(schema);
}

Test(schema, an_unknown_exit_or_another_kernel_tells_no_arguments)
{
    struct schema *schema = schema_new(NULL);
    const struct event_class *class = kernel(schema, "syscall_exit_unknown");
    const int64_t args[6] = {3};
    struct event event = {.class = class, .kind = class->kind, .value = {-9}, .present = 1};
    event_set_unknown_call(schema, &event, 436, true, args, 6);
    cr_expect(eq(str, (char *)(uintptr_t)event.call->name, "close_range"));
    cr_expect(eq(i64, event.value[0], -9));

    class = kernel(schema, "syscall_entry_unknown");
    event = (struct event){.class = class, .kind = class->kind};
    event_set_unknown_call(schema, &event, 436, false, args, 6);
    cr_expect(eq(str, (char *)(uintptr_t)event.call->name, "unknown"));
    cr_expect(eq(int, event.present, 0));
    schema_free(schema);
}

Test(schema, a_phase_event_wants_the_fields_of_its_definitions_once)
{
    struct phase_definitions phases;
    phases_init(&phases);
    const char yaml[] = "phases:\n"
                        "  - {name: request, begin: 'a:b', end: 'a:e', match: [id], capture: [f]}\n"
                        "  - {name: $phase, begin: 'a:b', end: 'a:x', match: [id, phase]}\n";
    struct failure why = {""};
    struct bytes bytes = {(const uint8_t *)yaml, sizeof yaml - 1};
    cr_assert(eq(int, phases_add_yaml(&phases, "p", bytes, &why), STATUS_OK), "%s", why.text);
    struct schema *schema = schema_new(&phases);
    const struct event_class *begin = schema_class(schema, DOMAIN_UST, text_of("a:b"));
    cr_expect(eq(sz, begin->begin_count, 2));
    cr_expect(eq(u32, begin->begins[1], 1));
    cr_expect(eq(sz, begin->end_count, 0));
    cr_expect(eq(sz, begin->field_count, 3));
    cr_expect(wants_field(begin, "id") && wants_field(begin, "f") && wants_field(begin, "phase"));
    const struct event_class *end = schema_class(schema, DOMAIN_UST, text_of("a:e"));
    cr_expect(eq(sz, end->end_count, 1));
    cr_expect(eq(sz, end->field_count, 2)); /* the field may belong to either */
    cr_expect(eq(sz, end->fields_before_captured, 1));
    cr_expect(eq(sz, schema_class(schema, DOMAIN_UST, text_of("a:y"))->field_count, 0));
    schema_free(schema);
    phases_clear(&phases);
}

Test(schema, tells_x86_64_by_what_a_trace_declares)
{
    struct declared_names declared = {0};
    declared_names_add(&declared, text_of("syscall_entry_open"));
    cr_expect(ne(int, declared_names_architecture(&declared), ARCHITECTURE_X86_64));
    declared_names_add(&declared, text_of("syscall_entry_newfstat"));
    cr_expect(eq(int, declared_names_architecture(&declared), ARCHITECTURE_X86_64));
    cr_expect(not(declared.old_syscalls));
    declared_names_add(&declared, text_of("syscall_entry_fstat64"));
    cr_expect(ne(int, declared_names_architecture(&declared), ARCHITECTURE_X86_64));
    declared_names_add(&declared, text_of("sys_open"));
    cr_expect(declared.old_syscalls);
    declared_names_add(&declared, text_of("sched_switch"));
    cr_expect(declared.sched_switch);
}

static enum architecture by_classes(const char *const *names)
{
    struct declared_names declared = {.env_architecture = 0};
    for (; *names; names++)
        declared_names_add(&declared, text_of(*names));
    return declared_names_architecture(&declared);
}

Test(schema, tells_the_architecture_by_what_is_left_of_a_trace)
{
    static const char *const NOTHING[] = {"sched_switch", "syscall_entry_unknown", NULL};
    static const char *const BOTH[] = {"syscall_entry_open", "syscall_entry_newfstat", NULL};
    static const char *const ALONE[] = {"syscall_entry_arch_prctl", NULL};
    static const char *const VECTORS[] = {"x86_irq_vectors_local_timer_entry", NULL};
    static const char *const I386[] = {"syscall_entry_fstat64", "syscall_entry_modify_ldt", NULL};
    static const char *const ARM64[] = {"syscall_entry_openat", "syscall_entry_newfstat",
                                        "syscall_entry_dup3", "syscall_entry_ppoll", NULL};
    static const char *const SOME[] = {"syscall_entry_openat", "syscall_entry_newfstat", NULL};
    cr_expect(eq(int, by_classes(NOTHING), ARCHITECTURE_UNKNOWN));
    cr_expect(eq(int, by_classes(BOTH), ARCHITECTURE_X86_64));
    cr_expect(eq(int, by_classes(ALONE), ARCHITECTURE_X86_64));
    cr_expect(eq(int, by_classes(VECTORS), ARCHITECTURE_X86_64));
    cr_expect(eq(int, by_classes(I386), ARCHITECTURE_OTHER));
    cr_expect(eq(int, by_classes(ARM64), ARCHITECTURE_OTHER));
    cr_expect(eq(int, by_classes(SOME), ARCHITECTURE_UNKNOWN));
}

static enum architecture by_env(const char *key, const char *value)
{
    struct declared_names declared = {.entry_fstat64 = true};
    declared_names_env(&declared, key, value);
    return declared_names_architecture(&declared);
}

Test(schema, tells_the_architecture_by_the_environment_first)
{
    cr_expect(eq(int, by_env("machine", "x86_64"), ARCHITECTURE_X86_64));
    cr_expect(eq(int, by_env("architecture", "x86-64"), ARCHITECTURE_X86_64));
    cr_expect(eq(int, by_env("kernel_release", "6.1.0-18-amd64"), ARCHITECTURE_X86_64));
    cr_expect(eq(int, by_env("kernel_release", "6.1.0-18-generic"), ARCHITECTURE_OTHER));
    cr_expect(eq(int, by_env("hostname", "amd64"), ARCHITECTURE_OTHER));
    cr_expect(eq(int, by_env("machine", "aarch64"), ARCHITECTURE_OTHER));
}
