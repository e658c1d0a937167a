#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "analysis/view.h"
#include "wire/result_codec.h"

Test(cells, of_all_analyses_are_as_the_published_file_says)
{
    const struct atom_kind *kind;
    for (size_t i = 0; (kind = analyses_shown(i)) != NULL; i++) {
        const char *fault = result_cell_fault(kind);
        cr_expect(fault == NULL, "%s: %s", kind->name, fault);
    }
}
