#include "chunk/tar.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

/* Offsets in a header. */
enum {
    NAME = 0,
    NAME_SIZE = 100,
    MODE = 100,
    UID = 108,
    GID = 116,
    SIZE = 124,
    SIZE_SIZE = 12,
    TIME = 136,
    CHECKSUM = 148,
    CHECKSUM_SIZE = 8,
    TYPE = 156,
    MAGIC = 257,
    PREFIX = 345,
    PREFIX_SIZE = 155
};

_Static_assert(PREFIX + PREFIX_SIZE <= TAR_BLOCK, "a header is one block");
_Static_assert(TAR_NAME_MAX >= PREFIX_SIZE + 1 + NAME_SIZE, "names of any header have room");

static const char USTAR[8] = {'u', 's', 't', 'a', 'r', '\0', '0', '0'};

size_t tar_entry_size(size_t data_size)
{
    return TAR_BLOCK + (data_size + TAR_BLOCK - 1) / TAR_BLOCK * TAR_BLOCK;
}

/* Sum of all bytes of the header, with its own field as spaces. */
static unsigned checksum_of(const uint8_t block[TAR_BLOCK])
{
    unsigned sum = 0;
    for (size_t i = 0; i < TAR_BLOCK; i++)
        sum += i >= CHECKSUM && i < CHECKSUM + CHECKSUM_SIZE ? ' ' : block[i];
    return sum;
}

static void put_octal(uint8_t *at, int digits, unsigned long long value)
{
    char text[24];
    int length = snprintf(text, sizeof text, "%0*llo", digits, value);
    assert(length == digits);
    memcpy(at, text, (size_t)digits + 1);
}

/* Where `name` is split into prefix and name; its length if it needs no prefix, SIZE_MAX if no '/'
 * is in the right place. */
static size_t split_of(const char *name, size_t length)
{
    if (length <= NAME_SIZE)
        return length;
    for (size_t at = length - NAME_SIZE - 1; at < length && at <= PREFIX_SIZE; at++)
        if (name[at] == '/')
            return at;
    return SIZE_MAX;
}

enum status tar_header(const char *name, size_t size, uint8_t block[TAR_BLOCK], struct failure *why)
{
    size_t length = strlen(name), split = split_of(name, length);
    if (split == SIZE_MAX)
        return fail(why, STATUS_REJECT, "%s: name too long for a tar", name);
    if ((unsigned long long)size >> 33 != 0)
        return fail(why, STATUS_REJECT, "%s: %zu bytes exceed the tar limit", name, size);
    memset(block, 0, TAR_BLOCK);
    if (split == length) {
        memcpy(block + NAME, name, length);
    } else {
        memcpy(block + PREFIX, name, split);
        memcpy(block + NAME, name + split + 1, length - split - 1);
    }
    put_octal(block + MODE, 7, 0644);
    put_octal(block + UID, 7, 0);
    put_octal(block + GID, 7, 0);
    put_octal(block + SIZE, 11, size);
    put_octal(block + TIME, 11, 0);
    block[TYPE] = '0';
    memcpy(block + MAGIC, USTAR, sizeof USTAR);
    put_octal(block + CHECKSUM, 6, checksum_of(block));
    block[CHECKSUM + 7] = ' ';
    return STATUS_OK;
}

/* Digits up to a space or zero; anything else is damage. */
static bool octal_of(const uint8_t *at, size_t count, unsigned long long *out)
{
    size_t i = 0;
    unsigned long long value = 0;
    while (i < count && at[i] == ' ')
        i++;
    size_t first = i;
    for (; i < count && at[i] >= '0' && at[i] <= '7'; i++)
        value = value << 3 | (unsigned)(at[i] - '0');
    *out = value;
    return i > first && (i == count || at[i] == ' ' || at[i] == '\0');
}

static bool is_empty(const uint8_t *block)
{
    for (size_t i = 0; i < TAR_BLOCK; i++)
        if (block[i] != 0)
            return false;
    return true;
}

static void name_of(const uint8_t *block, char name[TAR_NAME_MAX + 1])
{
    size_t prefix = strnlen((const char *)block + PREFIX, PREFIX_SIZE);
    size_t own = strnlen((const char *)block + NAME, NAME_SIZE);
    memcpy(name, block + PREFIX, prefix);
    if (prefix > 0)
        name[prefix++] = '/';
    memcpy(name + prefix, block + NAME, own);
    name[prefix + own] = '\0';
}

/* A relative path of plain names. */
static bool is_safe(const char *name)
{
    const char *part = name;
    for (;;) {
        size_t length = strcspn(part, "/");
        if (length == 0 || (length == 1 && part[0] == '.') ||
            (length == 2 && part[0] == '.' && part[1] == '.'))
            return false;
        for (size_t i = 0; i < length; i++)
            if ((unsigned char)part[i] < ' ' || part[i] == '\\' || part[i] == 127)
                return false;
        if (part[length] == '\0')
            return true;
        part += length + 1;
    }
}

/* The header at `offset` is complete. */
static enum status read_header(struct bytes tar, size_t offset, struct tar_entry *out,
                               bool *is_folder, struct failure *why)
{
    const uint8_t *block = tar.at + offset;
    unsigned long long checksum, size;
    if (!octal_of(block + CHECKSUM, CHECKSUM_SIZE, &checksum) || checksum != checksum_of(block))
        return fail(why, STATUS_REJECT, "tar: header at %zu: wrong checksum", offset);
    if (memcmp(block + MAGIC, USTAR, sizeof USTAR) != 0)
        return fail(why, STATUS_REJECT, "tar: header at %zu: not ustar", offset);
    if (!octal_of(block + SIZE, SIZE_SIZE, &size))
        return fail(why, STATUS_REJECT, "tar: header at %zu: no size", offset);
    name_of(block, out->name);
    *is_folder = block[TYPE] == '5';
    size_t length = strlen(out->name);
    if (*is_folder && length > 0 && out->name[length - 1] == '/')
        out->name[length - 1] = '\0';
    if (!is_safe(out->name))
        return fail(why, STATUS_REJECT, "tar: header at %zu: unsafe name", offset);
    if (block[TYPE] != '0' && block[TYPE] != '\0' && !*is_folder)
        return fail(why, STATUS_REJECT, "tar: %s: neither a file nor a folder", out->name);
    size_t left = tar.count - offset - TAR_BLOCK;
    if (size > left || (*is_folder && size != 0))
        return fail(why, STATUS_REJECT, "tar: %s: %llu bytes, but %zu are left", out->name, size,
                    left);
    out->data = (struct bytes){block + TAR_BLOCK, (size_t)size};
    return STATUS_OK;
}

enum status tar_next(struct bytes tar, size_t *offset, struct tar_entry *out, struct failure *why)
{
    for (;;) {
        bool is_folder = false;
        if (*offset > tar.count || tar.count - *offset < TAR_BLOCK)
            return fail(why, STATUS_REJECT, "tar: truncated at %zu", tar.count);
        if (is_empty(tar.at + *offset))
            break;
        enum status status = read_header(tar, *offset, out, &is_folder, why);
        if (status != STATUS_OK)
            return status;
        *offset += tar_entry_size(out->data.count);
        if (!is_folder)
            return STATUS_OK;
    }
    if (tar.count - *offset < TAR_END_SIZE)
        return fail(why, STATUS_REJECT, "tar: truncated at %zu", tar.count);
    for (size_t at = *offset; at + TAR_BLOCK <= tar.count; at += TAR_BLOCK)
        if (!is_empty(tar.at + at))
            return fail(why, STATUS_REJECT, "tar: data after its end, at %zu", at);
    return STATUS_END;
}
