#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "chunk/threads.h"
#include "tests/chunk/fake_trace.h"

static void tell(struct thread_directory *threads, int32_t tid, int32_t pid, const char *name)
{
    struct thread_entry *entry = thread_directory_add(threads, tid);
    entry->pid = pid;
    thread_entry_name(entry, text_of(name));
}

Test(threads, are_kept_by_number)
{
    struct thread_directory threads = {.at = NULL};
    tell(&threads, 30, 10, "c");
    tell(&threads, 10, 10, "a");
    tell(&threads, 20, 20, "b");
    tell(&threads, 30, 10, "changed");
    cr_assert(eq(sz, threads.count, 3));
    cr_expect(eq(i32, threads.at[0].tid, 10));
    cr_expect(eq(i32, threads.at[2].tid, 30));
    cr_expect(eq(str, threads.at[2].name, "changed"));
    cr_expect(eq(i32, threads.at[2].ppid, -1));
    thread_directory_keep_one(&threads, 10, 10);
    cr_expect(eq(sz, threads.count, 2));
    for (size_t i = 0; i < threads.count; i++)
        cr_expect(ne(i32, threads.at[i].tid, 30));
    thread_directory_remove(&threads, 20);
    thread_directory_remove(&threads, 21);
    cr_expect(eq(sz, threads.count, 1));
    thread_directory_clear(&threads);
}

Test(threads, come_back_from_their_text_whatever_their_names)
{
    static const char *const NAMES[] = {"init",
                                        "",
                                        "two words",
                                        "tab\tnew\nline",
                                        "\\x41",
                                        "\x01\x7f\xff",
                                        "longer than fifteen bytes"};
    struct thread_directory threads = {.at = NULL, .from_proc = true};
    for (int32_t i = 0; i < 7; i++)
        tell(&threads, i + 1, 100 + i, NAMES[i]);
    threads.at[3].ppid = 1;
    char *text = threads_text(&threads);
    struct thread_directory back;
    cr_assert(eq(int, threads_read(fake_bytes(text), &back, NULL), STATUS_OK));
    cr_expect(back.from_proc);
    cr_assert(eq(sz, back.count, threads.count));
    for (size_t i = 0; i < back.count; i++) {
        cr_expect(eq(i32, back.at[i].tid, threads.at[i].tid));
        cr_expect(eq(i32, back.at[i].pid, threads.at[i].pid));
        cr_expect(eq(i32, back.at[i].ppid, threads.at[i].ppid));
        cr_expect(eq(str, back.at[i].name, threads.at[i].name));
    }
    cr_expect(eq(str, back.at[6].name, "longer than fif"));
    thread_directory_clear(&back);
    thread_directory_clear(&threads);
    free(text);
}

Test(threads, that_are_no_directory_are_refused)
{
    static const char *const TEXTS[] = {"",
                                        "spanmill-threads 2 trace\n",
                                        "spanmill-threads 1 trace\n1 1\n",
                                        "spanmill-threads 1 trace\n2 1 1 b\n1 1 1 a\n",
                                        "spanmill-threads 1 trace\n1 x 1 a\n",
                                        "spanmill-threads 1 trace\n99999999999 1 1 a\n",
                                        "spanmill-threads 1 trace\n1 1 1 \\x4\n",
                                        "spanmill-threads 1 trace\n1 1 1 sixteen bytes !!\n"};
    for (size_t i = 0; i < sizeof TEXTS / sizeof *TEXTS; i++) {
        struct thread_directory threads;
        struct failure why;
        cr_expect(eq(int, threads_read(fake_bytes(TEXTS[i]), &threads, &why), STATUS_REJECT), "%s",
                  TEXTS[i]);
        cr_expect(eq(sz, threads.count, 0));
    }
}
