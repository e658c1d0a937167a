#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "chunk/tar.h"
#include "tests/chunk/fake_trace.h"

static void add(struct fake_file *tar, const char *name, const char *text)
{
    static const uint8_t ZEROS[TAR_BLOCK];
    uint8_t header[TAR_BLOCK];
    cr_assert(eq(int, tar_header(name, strlen(text), header, NULL), STATUS_OK));
    fake_put(tar, header, sizeof header);
    fake_put(tar, text, strlen(text));
    fake_put(tar, ZEROS, tar_entry_size(strlen(text)) - TAR_BLOCK - strlen(text));
}

static void add_end(struct fake_file *tar)
{
    static const uint8_t ZEROS[TAR_END_SIZE];
    fake_put(tar, ZEROS, sizeof ZEROS);
}

/* The checksum of a header that a test has changed. */
static void sign(uint8_t *header)
{
    unsigned sum = 0;
    memset(header + 148, ' ', 8);
    for (size_t i = 0; i < TAR_BLOCK; i++)
        sum += header[i];
    char text[8];
    snprintf(text, sizeof text, "%06o", sum);
    memcpy(header + 148, text, 7);
}

Test(tar, gives_back_what_was_put_in)
{
    struct fake_file tar = {.at = NULL};
    add(&tar, "chunk", "hello");
    add(&tar, "kernel/kchan_0", "");
    add_end(&tar);
    size_t offset = 0;
    struct tar_entry entry;
    cr_assert(eq(int, tar_next(fake_data(&tar), &offset, &entry, NULL), STATUS_OK));
    cr_expect(eq(str, entry.name, "chunk"));
    cr_expect(eq(sz, entry.data.count, 5));
    cr_expect(eq(int, memcmp(entry.data.at, "hello", 5), 0));
    cr_assert(eq(int, tar_next(fake_data(&tar), &offset, &entry, NULL), STATUS_OK));
    cr_expect(eq(str, entry.name, "kernel/kchan_0"));
    cr_expect(eq(sz, entry.data.count, 0));
    cr_expect(eq(int, tar_next(fake_data(&tar), &offset, &entry, NULL), STATUS_END));
    fake_clear(&tar);
}

Test(tar, splits_long_names_at_a_slash)
{
    char name[300];
    memset(name, 'a', sizeof name);
    name[150] = '/';
    name[240] = '\0';
    struct fake_file tar = {.at = NULL};
    add(&tar, name, "x");
    add_end(&tar);
    size_t offset = 0;
    struct tar_entry entry;
    cr_assert(eq(int, tar_next(fake_data(&tar), &offset, &entry, NULL), STATUS_OK));
    cr_expect(eq(str, entry.name, name));
    fake_clear(&tar);

    uint8_t header[TAR_BLOCK];
    struct failure why;
    name[150] = 'a';
    cr_expect(eq(int, tar_header(name, 1, header, &why), STATUS_REJECT));
}

Test(tar, is_refused_if_cut_anywhere)
{
    struct fake_file tar = {.at = NULL};
    add(&tar, "a", "one");
    add(&tar, "b", "two");
    add_end(&tar);
    for (size_t count = 0; count < tar.count; count++) {
        uint8_t *part = memory_new(count);
        memcpy(part, tar.at, count);
        size_t offset = 0;
        struct tar_entry entry;
        enum status status;
        do
            status = tar_next((struct bytes){part, count}, &offset, &entry, NULL);
        while (status == STATUS_OK);
        cr_expect(eq(int, status, STATUS_REJECT), "cut at %zu", count);
        free(part);
    }
    fake_clear(&tar);
}

static enum status read_named(const char *name, char type)
{
    struct fake_file tar = {.at = NULL};
    add(&tar, "harmless", "x");
    add_end(&tar);
    memset(tar.at, 0, 100);
    memcpy(tar.at, name, strlen(name));
    tar.at[156] = (uint8_t)type;
    sign(tar.at);
    size_t offset = 0;
    struct tar_entry entry;
    enum status status = tar_next(fake_data(&tar), &offset, &entry, NULL);
    fake_clear(&tar);
    return status;
}

Test(tar, with_a_hostile_name_is_refused)
{
    static const char *const NAMES[] = {"/etc/passwd", "../x", "a/../b", "a/..", "..",
                                        ".",           "a//b", "a/./b",  "a/",   "",
                                        "a\nb",        "a\\b", "a/\x7f"};
    cr_expect(eq(int, read_named("kernel/kchan_0", '0'), STATUS_OK));
    cr_expect(eq(int, read_named("..a/b..", '0'), STATUS_OK));
    for (size_t i = 0; i < sizeof NAMES / sizeof *NAMES; i++)
        cr_expect(eq(int, read_named(NAMES[i], '0'), STATUS_REJECT), "%s", NAMES[i]);
}

Test(tar, with_anything_but_files_is_refused)
{
    static const char TYPES[] = "123467xgLKSV";
    for (size_t i = 0; i < sizeof TYPES - 1; i++)
        cr_expect(eq(int, read_named("a", TYPES[i]), STATUS_REJECT), "type %c", TYPES[i]);
}

Test(tar, with_a_changed_header_is_refused)
{
    struct fake_file tar = {.at = NULL};
    add(&tar, "a", "one");
    add_end(&tar);
    for (size_t i = 0; i < TAR_BLOCK; i++) {
        tar.at[i] ^= 0x20;
        size_t offset = 0;
        struct tar_entry entry;
        /* a space before or after the digits of the checksum changes nothing */
        enum status status = tar_next(fake_data(&tar), &offset, &entry, NULL);
        if (i < 148 || i > 155)
            cr_expect(eq(int, status, STATUS_REJECT), "byte %zu", i);
        tar.at[i] ^= 0x20;
    }
    fake_clear(&tar);
}

Test(tar, that_goes_on_behind_its_end_is_refused)
{
    struct fake_file tar = {.at = NULL};
    add(&tar, "a", "one");
    add_end(&tar);
    add(&tar, "b", "two");
    add_end(&tar);
    size_t offset = 0;
    struct tar_entry entry;
    cr_assert(eq(int, tar_next(fake_data(&tar), &offset, &entry, NULL), STATUS_OK));
    cr_expect(eq(int, tar_next(fake_data(&tar), &offset, &entry, NULL), STATUS_REJECT));
    fake_clear(&tar);
}
