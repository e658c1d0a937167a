#include "walk_numbers.h"

bool walk_numbers(struct walk *walk, const struct layout_field *field, size_t most,
                  struct scratch *scratch, const int64_t **out, size_t *count)
{
    const struct layout_field *element = &field->fields[0];
    uint64_t all = field->type == LAYOUT_ARRAY ? field->count : walk->slots[field->from];
    walk->at = bits_aligned(walk->at, field->align);
    /* Each takes a bit at least, so a length that lies takes no memory. */
    if (walk->at > walk->limit || walk->limit - walk->at < all) {
        walk->fault = WALK_PAST_END;
        return false;
    }
    size_t kept = all < most ? (size_t)all : most;
    int64_t *numbers = scratch_take(scratch, kept * sizeof *numbers);
    for (uint64_t i = 0; i < all; i++) {
        uint64_t number;
        if (!walk_number(walk, element, &number))
            return false;
        if (i < kept)
            numbers[i] = (int64_t)number;
    }
    *out = numbers;
    *count = kept;
    return true;
}
