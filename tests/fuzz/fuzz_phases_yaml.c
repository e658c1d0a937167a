/* Any bytes as a file of phase definitions. */
#include "trace/phases.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct phase_definitions phases;
    phases_init(&phases);
    struct failure why;
    (void)!phases_add_yaml(&phases, "fuzz.yaml", (struct bytes){data, size}, &why);
    (void)phases_digest(&phases);
    phases_clear(&phases);
    return 0;
}
