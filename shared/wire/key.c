#include "wire/key.h"

/* Takes the last part off; the whole text where there is none. */
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
    /* "t" alone is a part of the key, not of a session: its last part is a time. */
    if (count > 2 && session.at[count - 1] == 't' && session.at[count - 2] == '/')
        session.count -= 2;
    return session;
}
