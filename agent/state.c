#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/agent.h"
#include "base/crash.h"
#include "base/memory.h"

/* The file: lines of words. `session` begins one, what follows is of it.
 *
 *     spanmill-agent 1
 *     session FIRST NEXT FINAL ENDED FOLDER
 *     id CLOCK_UUID ID
 *     boundary CHUNK END_NS
 */
#define FIRST_LINE "spanmill-agent 1\n"

static bool load_uuid(const char *hex, uint8_t uuid[16])
{
    for (size_t i = 0; i < 16; i++)
        if (sscanf(hex + 2 * i, "%2" SCNx8, &uuid[i]) != 1)
            return false;
    return true;
}

static enum status load_line(struct agent *agent, struct session **session, const char *line)
{
    int64_t first, next, final;
    uint64_t end_ns;
    char hex[33];
    int ended, at = 0;
    if (sscanf(line, "session %" SCNd64 " %" SCNd64 " %" SCNd64 " %d %n", &first, &next, &final,
               &ended, &at) == 4 &&
        at > 0 && line[at] == '/') {
        *session = agent_new_session(agent, line + at);
        (*session)->first = first;
        (*session)->next = next;
        (*session)->final = final;
        (*session)->ended = ended != 0;
        return STATUS_OK;
    }
    if (*session && sscanf(line, "boundary %" SCNd64 " %" SCNu64, &next, &end_ns) == 2) {
        session_set_boundary(*session, next, end_ns);
        return STATUS_OK;
    }
    if (*session && !(*session)->id && sscanf(line, "id %32[0-9a-f] %n", hex, &at) == 1 && at > 0 &&
        line[at] != '\0' && strlen(hex) == 32 && load_uuid(hex, (*session)->clock_uuid)) {
        (*session)->id = memory_string(text_of(line + at));
        (*session)->is_logged = true;
        (*session)->identity =
            identity_number(agent->identities, (*session)->id, (*session)->clock_uuid);
        return STATUS_OK;
    }
    return STATUS_REJECT;
}

/* Only one agent per folder: two would publish everything twice, and overwrite each other's
 * decisions. */
static enum status lock(struct agent *agent, const char *folder, struct failure *why)
{
    char *path = memory_format("%s/agent.lock", folder);
    agent->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    enum status status = STATUS_OK;
    if (agent->lock_fd < 0)
        status = fail(why, STATUS_REJECT, "state-dir (%s): %s: %s",
                      config_source(agent->config, "state-dir"), path, strerror(errno));
    else if (flock(agent->lock_fd, LOCK_EX | LOCK_NB) != 0)
        status = fail(why, STATUS_STOP, "%s: %s", path,
                      errno == EWOULDBLOCK ? "another agent is using it" : strerror(errno));
    free(path);
    return status;
}

static enum status load(struct agent *agent, FILE *file, struct failure *why)
{
    char *line = NULL;
    size_t room = 0;
    unsigned number = 0;
    struct session *session = NULL;
    enum status status = STATUS_OK;
    while (status == STATUS_OK && getline(&line, &room, file) > 0) {
        number++;
        if (number == 1) {
            status = strcmp(line, FIRST_LINE) == 0 ? STATUS_OK : STATUS_REJECT;
        } else {
            line[strcspn(line, "\n")] = '\0';
            status = load_line(agent, &session, line);
        }
    }
    if (status != STATUS_OK)
        status = fail(why, STATUS_STOP, "%s:%u: not a state file of this agent", agent->state_path,
                      number);
    free(line);
    return status;
}

/* Without the folder, no decision can be saved, and so nothing published. */
static enum status open_folder(const struct agent *agent, const char *folder, struct failure *why)
{
    if (mkdir(folder, 0755) == 0)
        return STATUS_OK;
    int error = errno;
    if (error == EEXIST && !folder_is_there(folder))
        error = ENOTDIR;
    else if (error == EEXIST && faccessat(AT_FDCWD, folder, R_OK | W_OK | X_OK, AT_EACCESS) == 0)
        return STATUS_OK;
    else if (error == EEXIST)
        error = errno;
    return fail(why, STATUS_REJECT,
                "state-dir (%s): %s: %s: choose a folder that this user can write to",
                config_source(agent->config, "state-dir"), folder, strerror(error));
}

enum status agent_load(struct agent *agent, const char *folder, struct failure *why)
{
    enum status status = open_folder(agent, folder, why);
    if (status == STATUS_OK)
        status = lock(agent, folder, why);
    if (status != STATUS_OK)
        return status;
    agent->state_path = memory_format("%s/agent.state", folder);
    agent->archive_path = memory_format("%s/agent.tar.zst", folder);
    FILE *file = fopen(agent->state_path, "re");
    if (file) {
        status = load(agent, file, why);
        fclose(file);
    } else if (errno != ENOENT) {
        status = fail(why, STATUS_STOP, "%s: %s", agent->state_path, strerror(errno));
    }
    return status;
}

static void write_session(FILE *file, const struct session *session)
{
    fprintf(file, "session %" PRId64 " %" PRId64 " %" PRId64 " %d %s\n", session->first,
            session->next, session->final, session->ended, session->folder);
    if (session->id) {
        fputs("id ", file);
        for (size_t i = 0; i < sizeof session->clock_uuid; i++)
            fprintf(file, "%02x", session->clock_uuid[i]);
        fprintf(file, " %s\n", session->id);
    }
    for (size_t i = 0; i < session->boundary_count; i++)
        fprintf(file, "boundary %" PRId64 " %" PRIu64 "\n", session->boundaries[i].chunk,
                session->boundaries[i].end_ns);
}

static enum status sync_folder_of(const char *path)
{
    char *copy = memory_string(text_of(path));
    int fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool done = fd >= 0 && fsync(fd) == 0;
    if (fd >= 0)
        close(fd);
    free(copy);
    return done ? STATUS_OK : STATUS_RETRY;
}

enum status agent_save(const struct agent *agent, struct failure *why)
{
    char *beside = memory_format("%s.new", agent->state_path);
    FILE *file = fopen(beside, "we");
    bool good = file != NULL;
    if (good) {
        fputs(FIRST_LINE, file);
        for (size_t i = 0; i < agent->count; i++)
            if (!strchr(agent->sessions[i]->folder, '\n'))
                write_session(file, agent->sessions[i]);
        good = fflush(file) == 0 && fsync(fileno(file)) == 0;
        good = fclose(file) == 0 && good;
    }
    crash_point("agent-state-written");
    good = good && rename(beside, agent->state_path) == 0 &&
           sync_folder_of(agent->state_path) == STATUS_OK;
    crash_point("agent-state-saved");
    enum status status =
        good ? STATUS_OK : fail(why, STATUS_RETRY, "%s: %s", beside, strerror(errno));
    free(beside);
    return status;
}
