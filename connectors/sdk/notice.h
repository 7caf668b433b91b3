/*
 * What a connector says about its endpoint without being asked, each kind at most once in a while: an endpoint that takes one
 * question and not the other goes up and down all the time.
 */
#ifndef CONNECTORS_SDK_NOTICE_H
#define CONNECTORS_SDK_NOTICE_H

#include <stdbool.h>
#include <stdint.h>

#include "connectors/sdk/sdk.h"

/* Private but for its place in memory, which may not move. */
struct sdk_notices {
    struct connector *connector;
    struct sdk_timer trouble;
    uint64_t nonsense_until, trouble_until, pruned_until, reorganised_until; /* ms: the next one not before this */
    bool down_told;
    char down_text[160]; /* why the endpoint is left alone; "": it is not */
};

void sdk_notices_init(struct sdk_notices *notices, struct connector *connector);

/* Notice 5, at most one in ten seconds. */
void sdk_notice_nonsense(struct sdk_notices *notices, const char *text);
/* Notice 1, at most one in ten seconds: `blocks` newest ones were replaced. */
void sdk_notice_reorganised(struct sdk_notices *notices, uint64_t blocks);
/* Notice 6, at most one in ten minutes. */
void sdk_notice_pruned(struct sdk_notices *notices, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Notices 3, at most one in ten seconds, and 4, of one who heard a 3. `health` of sdk_rpc_config; context: the notices. */
void sdk_notice_health(void *context, bool up, const char *text);

#endif
