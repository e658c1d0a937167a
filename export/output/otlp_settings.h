/* export/output/otlp_settings.h -- settings of an OTLP receiver: options, else the variables
 * OTEL_EXPORTER_OTLP_* of the OpenTelemetry specification. */
#ifndef EXPORT_OUTPUT_OTLP_SETTINGS_H
#define EXPORT_OUTPUT_OTLP_SETTINGS_H

#include "config/config.h"
#include "base/failure.h"

enum otlp_signal { OTLP_TRACES, OTLP_METRICS, OTLP_SIGNALS };

struct otlp_settings {
    char *url;
    char **headers; /* "Name: value", without those of every request */
    size_t header_count;
    const char *token_file, *ca_file, *certificate, *key; /* NULL: none */
    uint64_t timeout_ms;
    bool gzip;
};

extern const struct config_section otlp_section;

/* Whether --otlp-signals includes it. */
bool otlp_is_among(const struct config *config, enum otlp_signal signal);
/* Whether a receiver of the signal is set. */
bool otlp_is_wanted(const struct config *config, enum otlp_signal signal);
/* Clear `out` in any case; it borrows `config`. REJECT: a setting is invalid. */
MUST_CHECK enum status otlp_settings_read(const struct config *config, enum otlp_signal signal,
                                          struct otlp_settings *out, struct failure *why);
void otlp_settings_clear(struct otlp_settings *settings);

#endif
