#include "base/session_name.h"

#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"

void session_name_part(struct text part, char room[SESSION_NAME_ROOM])
{
    char *printable = utf8_printable(part);
    size_t count = strlen(printable);
    if (count >= SESSION_NAME_ROOM)
        for (count = SESSION_NAME_ROOM - 1; ((unsigned char)printable[count] & 0xc0) == 0x80;)
            count--; /* not within a character */
    memcpy(room, printable, count);
    room[count] = '\0';
    free(printable);
}
