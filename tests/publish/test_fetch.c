/* Archives that are in their announcement, or in a store; segments need a broker (tests/agent). */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"
#include "publish/fetch.h"
#include "publish/publisher.h"

static const struct bytes ARCHIVE = {(const uint8_t *)"an archive", 10};

struct store {
    char folder[64];
    char *root, *path;
};

static struct store store_init(void)
{
    struct store store = {.folder = "/tmp/spanmill-fetch-XXXXXX"};
    cr_assert(mkdtemp(store.folder) != NULL);
    store.root = memory_format("%s/root", store.folder);
    cr_assert(mkdir(store.root, 0755) == 0);
    store.path = memory_format("%s/a.tar.zst", store.root);
    return store;
}

static void store_clear(struct store *store)
{
    char *command = memory_format("rm -r %s", store->folder);
    cr_assert(system(command) == 0);
    free(command);
    free(store->root);
    free(store->path);
}

static void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    cr_assert(file != NULL);
    fputs(text, file);
    fclose(file);
}

static enum status fetch(const char *root, const struct chunk_ready *ready, struct failure *why)
{
    struct fetch_options options = {.store_root = root, .stored_max = 100};
    struct bytes out;
    enum status status = fetch_archive(&options, ready, &out, why);
    if (status == STATUS_OK)
        cr_expect(out.count == ARCHIVE.count && memcmp(out.at, ARCHIVE.at, out.count) == 0);
    else
        cr_expect(out.at == NULL);
    free((void *)(uintptr_t)out.at);
    return status;
}

static enum status fetch_uri(const char *root, const char *uri, struct failure *why)
{
    struct chunk_ready ready = {
        .length = ARCHIVE.count, .digest = archive_digest(ARCHIVE), .uri = text_of(uri)};
    return fetch(root, &ready, why);
}

Test(fetch, inline_archive_is_checked_by_its_digest)
{
    struct failure why;
    struct chunk_ready ready = {
        .length = ARCHIVE.count, .digest = archive_digest(ARCHIVE), .archive = ARCHIVE};
    cr_expect(eq(int, fetch(NULL, &ready, &why), STATUS_OK));
    ready.digest++;
    cr_expect(eq(int, fetch(NULL, &ready, &why), STATUS_REJECT));
}

Test(fetch, archive_over_the_limit_is_rejected_before_there_is_room_for_it)
{
    struct failure why;
    struct chunk_ready ready = {.length = UINT64_MAX, .uri = text_of("file:///a")};
    cr_expect(eq(int, fetch("/", &ready, &why), STATUS_REJECT));
    cr_expect(strstr(why.text, "exceeds the limit of 100") != NULL, "%s", why.text);
}

Test(fetch, file_below_the_root_is_read)
{
    struct store store = store_init();
    struct failure why;
    write_file(store.path, "an archive");
    char *uri = memory_format("file://%s", store.path);
    cr_expect(eq(int, fetch_uri(store.root, uri, &why), STATUS_OK), "%s", why.text);
    cr_expect(eq(int, fetch_uri("/", uri, &why), STATUS_OK), "%s", why.text);
    cr_expect(eq(int, fetch_uri(NULL, uri, &why), STATUS_REJECT));
    write_file(store.path, "an archivE");
    cr_expect(eq(int, fetch_uri(store.root, uri, &why), STATUS_REJECT));
    write_file(store.path, "an archive that is longer");
    cr_expect(eq(int, fetch_uri(store.root, uri, &why), STATUS_REJECT));
    write_file(store.path, "short");
    cr_expect(eq(int, fetch_uri(store.root, uri, &why), STATUS_REJECT));
    unlink(store.path);
    cr_expect(eq(int, fetch_uri(store.root, uri, &why), STATUS_RETRY), "it may still come");
    free(uri);
    store_clear(&store);
}

Test(fetch, file_elsewhere_is_not_read_whatever_leads_there)
{
    struct store store = store_init();
    struct failure why;
    char *outside = memory_format("%s/outside", store.folder);
    char *beside = memory_format("%s/root-2", store.folder);
    cr_assert(mkdir(beside, 0755) == 0);
    char *neighbour = memory_format("%s/a", beside);
    write_file(outside, "an archive");
    write_file(neighbour, "an archive");
    cr_assert(symlink(outside, store.path) == 0);
    char *uris[] = {memory_format("file://%s", outside),
                    memory_format("file://%s", neighbour),
                    memory_format("file://%s", store.path),
                    memory_format("file://%s/../outside", store.root),
                    memory_format("file://localhost%s", store.path),
                    memory_format("http://%s", store.path),
                    memory_format("%s", store.path)};
    for (size_t i = 0; i < sizeof uris / sizeof *uris; i++) {
        cr_expect(eq(int, fetch_uri(store.root, uris[i], &why), STATUS_REJECT), "%s", uris[i]);
        free(uris[i]);
    }
    free(outside);
    free(beside);
    free(neighbour);
    store_clear(&store);
}
