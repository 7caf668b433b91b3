/*
 * Watched logs: what the relay says about them, and which job is next (watch.h).
 */
#include "connectors/cometbft/watch.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proofs/codec/hex.h"

enum { RETRY_MIN_MS = 250, RETRY_MAX_MS = 60000 };

struct cometbft_watches *cometbft_watches_new(struct cometbft *cometbft)
{
    struct cometbft_watches *watches = calloc(1, sizeof *watches);
    if (watches) {
        watches->cometbft = cometbft;
        watches->results = COMETBFT_BATCH_MAX;
    }
    return watches;
}

void cometbft_watches_free(struct cometbft_watches *watches)
{
    if (!watches)
        return;
    free(watches->list);
    free(watches);
}

struct cometbft_watch *cometbft_watch_find(struct cometbft_watches *watches, uint64_t serial)
{
    for (size_t i = 0; i < watches->len; i++)
        if (watches->list[i].serial == serial)
            return &watches->list[i];
    return NULL;
}

static struct cometbft_watch *by_id(struct cometbft_watches *watches, uint32_t id)
{
    for (size_t i = 0; i < watches->len; i++)
        if (watches->list[i].id == id)
            return &watches->list[i];
    return NULL;
}

const uint8_t *cometbft_watch_account(const struct cometbft *cometbft, enum connector_log_kind kind)
{
    switch (kind) {
    case CONNECTOR_LOG_MESSAGE:
    case CONNECTOR_LOG_SETTLEMENT: return cometbft->options.has_outbox ? cometbft->options.outbox : NULL;
    case CONNECTOR_LOG_OUTCOME: return cometbft->options.has_inbox ? cometbft->options.inbox : NULL;
    }
    return NULL;
}

uint64_t cometbft_watch_limit(const struct cometbft *cometbft)
{
    return cometbft->newest ? cometbft->newest - 1 : 0;
}

void cometbft_watch_tell_need(const struct cometbft *cometbft, struct cometbft_watch *watch)
{
    char text[160];
    if (watch->need == 0 || watch->told_need)
        return;
    watch->told_need = true;
    snprintf(text, sizeof text, "the records of block %" PRIu64 " are %" PRIu64 " bytes, the credit is %" PRIu64,
             watch->position, watch->need, watch->credit);
    connector_cannot_watch(cometbft->connector, CONNECTOR_CREDIT, watch->id, text);
}

void cometbft_group_release(struct cometbft_watches *watches, const struct cometbft_group *group)
{
    for (size_t i = 0; i < group->len; i++) {
        struct cometbft_watch *watch = cometbft_watch_find(watches, group->serials[i]);
        if (watch)
            watch->busy = false;
    }
}

void cometbft_watch_later(struct cometbft_watches *watches, struct cometbft_watch *watch)
{
    uint64_t wait = (uint64_t)RETRY_MIN_MS << (watch->failures < 9 ? watch->failures : 9);
    watch->failures++;
    watch->retry_at = sdk_loop_now(watches->cometbft->loop) + (wait < RETRY_MAX_MS ? wait : RETRY_MAX_MS);
}

void cometbft_watch_mistrust(struct cometbft_watches *watches, struct cometbft_watch *watch, const char *text)
{
    char line[256];
    snprintf(line, sizeof line, "watch %u, entry %llu: %s", watch->id, (unsigned long long)watch->next, text);
    cometbft_nonsense(watches->cometbft, line);
    if (watch->failures == 0 && watch->last_height > watch->start)
        watch->position = watch->last_height;
    else
        watch->position = watch->failures < 2 ? watch->start : 1;
    watch->closing = watch->told_need = false;
    watch->need = 0; /* what did not fit was found further on: else nobody would search again */
    cometbft_watch_later(watches, watch);
}

/* ---- what the relay says -------------------------------------------------------------------------------------------- */

static const char *refuse(const struct cometbft_watches *watches, const struct connector_subscribe *message)
{
    const struct cometbft *cometbft = watches->cometbft;
    const enum connector_log_kind kind = (enum connector_log_kind)message->kind;
    const uint8_t *account = cometbft_watch_account(cometbft, kind);
    const uint8_t *home = kind == CONNECTOR_LOG_OUTCOME ? message->lane.inbox : message->lane.outbox;
    if (!account)
        return "this source was not given the account that keeps this log";
    if (memcmp(home, account, 32) != 0)
        return "the lane's account is not the one that this source was given";
    if (watches->len == COMETBFT_WATCHES_MAX)
        return "too many watches";
    return NULL;
}

static struct cometbft_watch *add(struct cometbft_watches *watches)
{
    if (watches->len == watches->cap) {
        const size_t cap = watches->cap ? watches->cap * 2 : 64;
        struct cometbft_watch *grown = realloc(watches->list, cap * sizeof *grown);
        if (!grown)
            return NULL;
        watches->list = grown;
        watches->cap = cap;
    }
    return &watches->list[watches->len++];
}

/* One entry less than the relay has: so it gets evidence once, even if nothing is new (docs/connector-protocol.md). */
static uint64_t owed(uint64_t from)
{
    return from > 2 ? from - 2 : 0;
}

void cometbft_watches_subscribe(struct cometbft_watches *watches, const struct connector_subscribe *message)
{
    const char *why = refuse(watches, message);
    if (!why && by_id(watches, message->watch))
        why = "this watch number is taken";
    struct cometbft_watch *watch = why ? NULL : add(watches);
    if (!watch) {
        connector_cannot_watch(watches->cometbft->connector, CONNECTOR_SUBSCRIBE, message->watch,
                               why ? why : "no memory");
        return;
    }
    *watch = (struct cometbft_watch){.id = message->watch,
                                     .serial = ++watches->serial,
                                     .kind = (enum connector_log_kind)message->kind,
                                     .next = message->from,
                                     .proven = owed(message->from),
                                     .position = message->height ? message->height : 1,
                                     .start = message->height ? message->height : 1,
                                     .owed = message->from > 1,
                                     .credit = message->credit};
    memcpy(watch->log, message->log, 32);
    memcpy(watch->lane, message->lane.id, 32);
    memcpy(watch->running, message->running, 32);
    codec_hex_encode(watch->lane_text, BYTES_OF(watch->lane));
    cometbft_watches_pump(watches);
}

void cometbft_watches_credit(struct cometbft_watches *watches, const struct connector_credit *message)
{
    struct cometbft_watch *watch = by_id(watches, message->watch);
    if (!watch)
        return; /* unsubscribed, and this message was under way */
    watch->credit = message->bytes > UINT64_MAX - watch->credit ? UINT64_MAX : watch->credit + message->bytes;
    if (watch->need && watch->credit >= watch->need) {
        watch->need = 0;
        watch->told_need = false;
        cometbft_watches_pump(watches);
    }
}

void cometbft_watches_unsubscribe(struct cometbft_watches *watches, uint32_t id)
{
    struct cometbft_watch *watch = by_id(watches, id);
    if (watch)
        *watch = watches->list[--watches->len];
}

void cometbft_watches_again(struct cometbft_watches *watches, const struct connector_ask_again *message)
{
    struct cometbft_watch *watch = by_id(watches, message->watch);
    if (!watch) {
        connector_cannot_watch(watches->cometbft->connector, CONNECTOR_ASK_AGAIN, message->watch, "no such watch");
        return;
    }
    watch->serial = ++watches->serial; /* jobs under way no longer find it */
    watch->next = message->from;
    watch->proven = owed(message->from);
    memcpy(watch->running, message->running, 32);
    watch->position = watch->start = message->height ? message->height : 1;
    watch->need = 0;
    watch->owed = message->from > 1;
    watch->last_height = 0;
    watch->closing = watch->busy = watch->told_need = false;
    watch->failures = 0;
    watch->retry_at = 0;
    cometbft_watches_pump(watches);
}

/* ---- the next jobs ------------------------------------------------------------------------------------------------------ */

void cometbft_watches_pump(struct cometbft_watches *watches)
{
    const struct cometbft *cometbft = watches->cometbft;
    const uint64_t now = sdk_loop_now(cometbft->loop), limit = cometbft_watch_limit(cometbft);
    if (limit == 0 || cometbft->stopped || cometbft->full || !sdk_rpc_usable(cometbft->rpc))
        return;
    for (size_t i = 0; i < watches->len; i++) {
        const size_t at = (watches->cursor + i) % watches->len;
        struct cometbft_watch *watch = &watches->list[at];
        if (watch->busy || now < watch->retry_at)
            continue;
        if (watch->closing && watches->proofs < COMETBFT_JOBS_MAX) {
            cometbft_evidence_start(watches, watch);
        } else if (!watch->closing && watch->need == 0 && watch->position <= limit &&
                   watches->scans < COMETBFT_JOBS_MAX) {
            cometbft_scan_start(watches, watch);
            watches->cursor = at + 1;
        }
    }
}
