/* The clock classes of CTF 2. */
#include "ctf2_parser.h"

static unsigned hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return (unsigned)(c - '0');
    if (c >= 'A' && c <= 'F')
        return (unsigned)(c - 'A') + 10;
    return c >= 'a' && c <= 'f' ? (unsigned)(c - 'a') + 10 : 16;
}

/* FNV-1a. Source: draft-eastlake-fnv. */
static uint64_t mixed(uint64_t hash, struct text text)
{
    for (size_t i = 0; i <= text.count; i++) /* including the NUL, which separates texts */
        hash = (hash ^ (i < text.count ? (uint8_t)text.at[i] : 0x100u)) * UINT64_C(1099511628211);
    return hash;
}

/* Other unique ids have a namespace and a name: hash them to the size of a UUID. */
static void take_identity(const struct text parts[3], struct layout_clock *clock)
{
    uint64_t halves[2] = {UINT64_C(14695981039346656037), UINT64_C(1099511628211)};
    for (unsigned i = 0; i < 6; i++)
        halves[i / 3] = mixed(halves[i / 3], parts[i % 3]);
    for (unsigned i = 0; i < 16; i++)
        clock->uuid[i] = (uint8_t)(halves[i / 8] >> 8 * (i % 8));
    clock->has_uuid = true;
}

/* LTTng's clocks have UUIDs as unique ids; others may have any text. */
static void take_uid(struct text uid, struct layout_clock *clock)
{
    uint8_t uuid[16] = {0};
    unsigned digits = 0;
    for (size_t i = 0; i < uid.count && uid.count == 36; i++) {
        if (uid.at[i] == '-' && (i == 8 || i == 13 || i == 18 || i == 23))
            continue;
        if (hex_digit(uid.at[i]) > 15 || digits == 32)
            return;
        uuid[digits / 2] = (uint8_t)((unsigned)uuid[digits / 2] << 4 | hex_digit(uid.at[i]));
        digits++;
    }
    clock->has_uuid = digits == 32;
    if (clock->has_uuid)
        memcpy(clock->uuid, uuid, sizeof uuid);
}

static bool read_clock_offset(struct ctf2 *ctf2, const json_t *json, struct layout_clock *clock)
{
    const json_t *offset;
    if (!ctf2_object(ctf2, json, "offset-from-origin", &offset))
        return false;
    if (offset == NULL)
        return true;
    if (!ctf2_signed(ctf2, offset, "seconds", &clock->offset_s) ||
        !ctf2_unsigned(ctf2, offset, "cycles", CTF2_OPTIONAL, INT64_MAX, &clock->offset_cycles))
        return false;
    return clock->offset_cycles < clock->frequency ||
           ctf2_fail(ctf2, "\"cycles\" of the offset is a second or more");
}

/* "unix-epoch", or an object that names it. */
static bool read_clock_origin(struct ctf2 *ctf2, const json_t *json, struct layout_clock *clock)
{
    const json_t *origin = json_object_get(json, "origin");
    struct text ignored;
    if (json_is_object(origin))
        return ctf2_text(ctf2, origin, "name", CTF2_REQUIRED, &ignored) &&
               ctf2_text(ctf2, origin, "uid", CTF2_REQUIRED, &ignored);
    const char *word = json_string_value(origin);
    clock->is_unix = word != NULL && strcmp(word, "unix-epoch") == 0;
    return origin == NULL || clock->is_unix ||
           ctf2_fail(ctf2, "\"origin\" is neither \"unix-epoch\" nor an object");
}

static bool read_clock_class(struct ctf2 *ctf2, const json_t *json, struct layout_clock *clock)
{
    struct text uid = {NULL, 0}, name = {"", 0}, space = {"", 0}, ignored;
    uint64_t accuracy;
    if (!ctf2_text(ctf2, json, "uid", CTF2_OPTIONAL, &uid) ||
        !ctf2_text(ctf2, json, "name", CTF2_OPTIONAL, &name) ||
        !ctf2_text(ctf2, json, "namespace", CTF2_OPTIONAL, &space) ||
        !ctf2_text(ctf2, json, "description", CTF2_OPTIONAL, &ignored) ||
        !ctf2_unsigned(ctf2, json, "accuracy", CTF2_OPTIONAL, UINT64_MAX, &accuracy) ||
        !ctf2_unsigned(ctf2, json, "frequency", CTF2_REQUIRED, INT64_MAX, &clock->frequency) ||
        !ctf2_unsigned(ctf2, json, "precision", CTF2_OPTIONAL, INT64_MAX, &clock->precision))
        return false;
    if (clock->frequency == 0)
        return ctf2_fail(ctf2, "\"frequency\" is 0");
    take_uid(uid, clock);
    if (uid.at != NULL && !clock->has_uuid)
        take_identity((const struct text[]){space, name, uid}, clock);
    if (name.count > 0)
        clock->name = draft_string(ctf2->draft, name);
    return read_clock_origin(ctf2, json, clock) && read_clock_offset(ctf2, json, clock);
}

bool ctf2_clock(struct ctf2 *ctf2, const json_t *json)
{
    struct text id = {"", 0};
    if (!ctf2_text(ctf2, json, "id", CTF2_REQUIRED, &id))
        return false;
    uint32_t index = draft_clock(ctf2->draft, id, ctf2->place);
    if (index == LAYOUT_NONE)
        return ctf2_fail(ctf2, "too many clocks");
    struct draft_clock *clock = &ctf2->draft->clocks[index];
    if (clock->declared)
        return ctf2_fail(ctf2, "\"%.80s\" is declared a second time", id.at);
    clock->declared = true;
    return read_clock_class(ctf2, json, &clock->clock);
}
