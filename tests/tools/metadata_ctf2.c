/* metadata_ctf2 FILE -- turns a trace's metadata of CTF 1.8 into CTF 2, of the same packets. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "tests/mapper/layout_json.h"

int main(int argc, char **argv)
{
    FILE *file = argc == 2 ? fopen(argv[1], "rb") : NULL;
    uint8_t *at = memory_new(LAYOUT_METADATA_MAX);
    struct bytes metadata = {at, file ? fread(at, 1, LAYOUT_METADATA_MAX, file) : 0};
    if (file)
        fclose(file);
    struct layout *layout;
    struct failure why;
    enum status status = layout_open(metadata, &layout, &why);
    free(at);
    if (status != STATUS_OK) {
        fprintf(stderr, "metadata_ctf2: %s\n", why.text);
        return 1;
    }
    char *text = layout_json(layout);
    file = fopen(argv[1], "wb");
    bool wrote = file && fputs(text, file) >= 0 && fclose(file) == 0;
    free(text);
    layout_close(layout);
    return wrote ? 0 : 1;
}
