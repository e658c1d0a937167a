#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/agent.h"
#include "base/crash.h"
#include "base/memory.h"

/* The file: lines of words. `session` begins one, what follows is of it.
 *
 *     spanmill-agent 1
 *     session FIRST NEXT ENDED FOLDER
 *     boundary CHUNK END_NS
 */
#define FIRST_LINE "spanmill-agent 1\n"

/* As many as may still be asked for: those of chunks not yet deleted. */
enum { BOUNDARIES_KEPT = 64 };

static enum status load_line(struct agent *agent, struct session **session, const char *line)
{
    int64_t first, next;
    uint64_t end_ns;
    int ended, at = 0;
    if (sscanf(line, "session %" SCNd64 " %" SCNd64 " %d %n", &first, &next, &ended, &at) == 3 &&
        at > 0 && line[at] == '/') {
        *session = agent_session(agent, line + at);
        (*session)->first = first;
        (*session)->next = next;
        (*session)->ended = ended != 0;
        return STATUS_OK;
    }
    if (*session && sscanf(line, "boundary %" SCNd64 " %" SCNu64, &next, &end_ns) == 2) {
        session_set_boundary(*session, next, end_ns);
        return STATUS_OK;
    }
    return STATUS_REJECT;
}

enum status agent_load(struct agent *agent, struct failure *why)
{
    FILE *file = fopen(agent->state_path, "re");
    if (!file)
        return errno == ENOENT ? STATUS_OK
                               : fail(why, STATUS_REJECT, "%s: %s", agent->state_path,
                                      strerror(errno));
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
        fail(why, status, "%s:%u: not what this agent writes", agent->state_path, number);
    free(line);
    fclose(file);
    return status;
}

static void write_session(FILE *file, const struct session *session)
{
    fprintf(file, "session %" PRId64 " %" PRId64 " %d %s\n", session->first, session->next,
            session->ended, session->folder);
    size_t first = session->boundary_count > BOUNDARIES_KEPT
                       ? session->boundary_count - BOUNDARIES_KEPT
                       : 0;
    for (size_t i = first; i < session->boundary_count; i++)
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
