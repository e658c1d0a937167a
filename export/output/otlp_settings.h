/* export/output/otlp_settings.h -- how to reach a receiver of the OpenTelemetry protocol: what options
 * say, or else the variables OTEL_EXPORTER_OTLP_* as the OpenTelemetry specification has them. */
#ifndef EXPORT_OUTPUT_OTLP_SETTINGS_H
#define EXPORT_OUTPUT_OTLP_SETTINGS_H

#include "config/config.h"
#include "base/failure.h"

enum otlp_signal { OTLP_TRACES, OTLP_METRICS, OTLP_SIGNALS };

struct otlp_settings {
    char *url;
    char **headers; /* "Name: value", without those that every request has */
    size_t header_count;
    const char *token_file, *ca_file, *certificate, *key; /* NULL: none */
    uint64_t timeout_ms;
    bool gzip;
};

extern const struct config_section otlp_section;

/* Whether it is among --otlp-signals. */
bool otlp_is_among(const struct config *config, enum otlp_signal signal);
/* Whether a receiver of the signal is named. */
bool otlp_is_wanted(const struct config *config, enum otlp_signal signal);
/* `out` is to be cleared in any case; it borrows `config`. REJECT: something that they say. */
MUST_CHECK enum status otlp_settings_read(const struct config *config, enum otlp_signal signal,
                                          struct otlp_settings *out, struct failure *why);
void otlp_settings_clear(struct otlp_settings *settings);

#endif
