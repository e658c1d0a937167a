#include "base/row.h"

uint64_t row_take_slowly(struct row_reader *row)
{
    uint64_t number = 0;
    for (unsigned shift = 0; shift < 64 && row->at < row->end; shift += 7) {
        uint8_t byte = *row->at++;
        number |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80)
            return number;
    }
    row->bad = true;
    row->at = row->end;
    return 0;
}
