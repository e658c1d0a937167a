/* export/output/remote_write_symbols.h -- a request of Prometheus remote write 2.0, made of one of 1.0. */
#ifndef EXPORT_OUTPUT_REMOTE_WRITE_SYMBOLS_H
#define EXPORT_OUTPUT_REMOTE_WRITE_SYMBOLS_H

#include "base/arena.h"
#include "export/family.h"
#include "remote_write.pb-c.h"

/* `families` are those of the request's series; counters and histograms were 0 at `since_ms`, in ms since
 * the Unix epoch; 0: not known. All in `arena`; samples and histograms become those of `*out`. */
void remote_write_symbols(const Spanmill__RemoteWrite__WriteRequest *request,
                          const struct family *const *families, int64_t since_ms,
                          struct arena *arena, Spanmill__RemoteWrite__Request *out);

#endif
