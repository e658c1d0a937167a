/* Any text as a definition in the period grammar. */
#include "trace/phases.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct phase_definitions phases;
    phases_init(&phases);
    struct failure why;
    (void)!phases_add_period(&phases, (struct text){(const char *)data, size}, &why);
    (void)phases_digest(&phases);
    phases_clear(&phases);
    return 0;
}
