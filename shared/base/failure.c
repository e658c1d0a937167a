#include "base/failure.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum status(fail)(struct failure *why, enum status status, const char *format, ...)
{
    if (!why)
        return status;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(why->text, sizeof why->text, format, arguments);
    va_end(arguments);
    return status;
}

void failure_prefix(struct failure *why, const char *format, ...)
{
    if (!why)
        return;
    char place[FAILURE_TEXT_MAX];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(place, sizeof place, format, arguments);
    va_end(arguments);

    char whole[2 * FAILURE_TEXT_MAX + 2];
    snprintf(whole, sizeof whole, "%s: %s", place, why->text);
    memcpy(why->text, whole, sizeof why->text - 1);
    why->text[sizeof why->text - 1] = '\0';
}
