#include "wire/key.h"

/* Removes the last part; the whole text if there is only one. */
static struct text without_last(struct text text)
{
    size_t count = text.count;
    while (count > 0 && text.at[count - 1] != '/')
        count--;
    return count > 0 ? (struct text){text.at, count - 1} : text;
}

struct text key_session(struct text key)
{
    struct text session = without_last(key);
    size_t count = session.count;
    /* "t" is a part of the key, not of a session, whose last part is a time. */
    if (count > 2 && session.at[count - 1] == 't' && session.at[count - 2] == '/')
        session.count -= 2;
    return session;
}
