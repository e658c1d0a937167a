/* The session of a chunk: LTTng can create a session in the folder of a destroyed one, and then
 * numbers its chunks from 0 again. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/agent.h"
#include "chunk/metadata.h"
#include "base/memory.h"
#include "base/names.h"
#include "chunk/folder.h"

/* Size of the cache; when it is exceeded, all chunks are read again. */
enum { REMEMBERED_MAX = 20000 };

struct identities {
    pthread_mutex_t lock;
    struct names stated; /* clock and id; an identity is the index in it, from 1 */
    struct names paths;  /* of chunks with an identity */
    unsigned *of_path;
    size_t room;
};

struct identities *identities_new(void)
{
    struct identities *identities = memory_new(sizeof *identities);
    pthread_mutex_init(&identities->lock, NULL);
    return identities;
}

void identities_free(struct identities *identities)
{
    if (!identities)
        return;
    pthread_mutex_destroy(&identities->lock);
    names_clear(&identities->stated);
    names_clear(&identities->paths);
    free(identities->of_path);
    free(identities);
}

bool identity_read(const char *path, char **id, uint8_t clock_uuid[16])
{
    struct folder *folder;
    *id = NULL;
    if (folder_open(path, &folder, NULL) != STATUS_OK)
        return false;
    const struct trace_set *set = folder_traces(folder);
    for (size_t i = 0; i < set->trace_count && !*id; i++) {
        struct metadata stated;
        if (metadata_read(set->traces[i].metadata, &stated, NULL) == STATUS_OK &&
            stated.hostname.count > 0 && stated.created.count > 0) {
            *id = memory_format("%.*s/%.*s/%.*s", (int)stated.hostname.count, stated.hostname.at,
                                (int)stated.session.count, stated.session.at,
                                (int)stated.created.count, stated.created.at);
            memcpy(clock_uuid, stated.clock_uuid, 16);
        }
        metadata_clear(&stated);
    }
    folder_close(folder);
    return *id != NULL;
}

static unsigned number_of(struct identities *identities, const char *id,
                          const uint8_t clock_uuid[16])
{
    char hex[33];
    for (size_t i = 0; i < 16; i++)
        snprintf(hex + 2 * i, 3, "%02x", clock_uuid[i]);
    char *whole = memory_format("%s %s", hex, id);
    unsigned number = names_id(&identities->stated, text_of(whole)) + 1;
    free(whole);
    return number;
}

unsigned identity_number(struct identities *identities, const char *id,
                         const uint8_t clock_uuid[16])
{
    pthread_mutex_lock(&identities->lock);
    unsigned number = number_of(identities, id, clock_uuid);
    pthread_mutex_unlock(&identities->lock);
    return number;
}

unsigned identity_now(struct identities *identities, const char *path)
{
    char *id;
    uint8_t clock_uuid[16];
    if (!identity_read(path, &id, clock_uuid))
        return 0;
    unsigned number = identity_number(identities, id, clock_uuid);
    free(id);
    return number;
}

static unsigned remembered(struct identities *identities, const char *path)
{
    pthread_mutex_lock(&identities->lock);
    uint32_t place = names_find(&identities->paths, text_of(path));
    unsigned number = place == NAMES_NONE ? 0 : identities->of_path[place];
    pthread_mutex_unlock(&identities->lock);
    return number;
}

unsigned identity_of_chunk(struct identities *identities, const char *path)
{
    unsigned number = remembered(identities, path);
    if (number == 0)
        number = identity_now(identities, path);
    if (number == 0)
        return 0;
    pthread_mutex_lock(&identities->lock);
    if (identities->paths.count >= REMEMBERED_MAX)
        names_clear(&identities->paths);
    uint32_t place = names_id(&identities->paths, text_of(path));
    identities->of_path =
        memory_grow(identities->of_path, &identities->room, (size_t)place + 1, sizeof(unsigned));
    identities->of_path[place] = number;
    pthread_mutex_unlock(&identities->lock);
    return number;
}
