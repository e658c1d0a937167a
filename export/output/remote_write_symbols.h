/* export/output/remote_write_symbols.h -- converts a request of Prometheus remote write 1.0 to
 * 2.0. */
#ifndef EXPORT_OUTPUT_REMOTE_WRITE_SYMBOLS_H
#define EXPORT_OUTPUT_REMOTE_WRITE_SYMBOLS_H

#include "base/arena.h"
#include "export/family.h"
#include "remote_write.pb-c.h"

/* `families` are those of the request's series; counters and histograms were 0 at `since_ms`, in ms
 * since the Unix epoch; 0: unknown. All in `arena`; samples and histograms are shared with
 * `*out`. */
void remote_write_symbols(const Spanmill__RemoteWrite__WriteRequest *request,
                          const struct family *const *families, int64_t since_ms,
                          struct arena *arena, Spanmill__RemoteWrite__Request *out);

#endif
