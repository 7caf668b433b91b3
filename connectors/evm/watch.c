/*
 * Watched logs: what the relay says about them, and which job is next (watch.h).
 */
#include "connectors/evm/watch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { RETRY_MIN_MS = 250, RETRY_MAX_MS = 60000 };

struct evm_watches *evm_watches_new(struct evm *evm)
{
    struct evm_watches *watches = calloc(1, sizeof *watches);
    if (watches) {
        watches->evm = evm;
        watches->range = evm->options.log_range;
    }
    return watches;
}

void evm_watches_free(struct evm_watches *watches)
{
    if (!watches)
        return;
    free(watches->list);
    free(watches);
}

struct evm_watch *evm_watch_find(struct evm_watches *watches, uint64_t serial)
{
    for (size_t i = 0; i < watches->len; i++)
        if (watches->list[i].serial == serial)
            return &watches->list[i];
    return NULL;
}

static struct evm_watch *by_id(struct evm_watches *watches, uint32_t id)
{
    for (size_t i = 0; i < watches->len; i++)
        if (watches->list[i].id == id)
            return &watches->list[i];
    return NULL;
}

const uint8_t *evm_watch_contract(const struct evm *evm, enum connector_log_kind kind)
{
    switch (kind) {
    case CONNECTOR_LOG_MESSAGE:
    case CONNECTOR_LOG_SETTLEMENT: return evm->options.has_outbox ? evm->options.outbox : NULL;
    case CONNECTOR_LOG_OUTCOME: return evm->options.has_inbox ? evm->options.inbox : NULL;
    }
    return NULL;
}

void evm_group_release(struct evm_watches *watches, const struct evm_group *group)
{
    for (size_t i = 0; i < group->len; i++) {
        struct evm_watch *watch = evm_watch_find(watches, group->serials[i]);
        if (watch)
            watch->busy = false;
    }
}

void evm_watch_later(struct evm_watches *watches, struct evm_watch *watch)
{
    uint64_t wait = (uint64_t)RETRY_MIN_MS << (watch->failures < 9 ? watch->failures : 9);
    watch->failures++;
    watch->retry_at = sdk_loop_now(watches->evm->loop) + (wait < RETRY_MAX_MS ? wait : RETRY_MAX_MS);
}

void evm_watch_mistrust(struct evm_watches *watches, struct evm_watch *watch, const char *text)
{
    char line[256];
    snprintf(line, sizeof line, "watch %u, entry %llu: %s", watch->id, (unsigned long long)watch->next, text);
    evm_nonsense(watches->evm, line);
    if (watch->failures == 0 && watch->last_height > watch->start)
        watch->position = watch->last_height;
    else
        watch->position = watch->failures < 2 ? watch->start : 0;
    watch->closing = watch->told_need = false;
    watch->need = 0; /* what did not fit was found further on: else nobody would search again */
    evm_watch_later(watches, watch);
}

/* ---- what the relay says -------------------------------------------------------------------------------------------- */

static const char *refuse(const struct evm_watches *watches, const struct connector_subscribe *message)
{
    const struct evm *evm = watches->evm;
    const enum connector_log_kind kind = (enum connector_log_kind)message->kind;
    const uint8_t *contract = evm_watch_contract(evm, kind);
    const uint8_t *home = kind == CONNECTOR_LOG_OUTCOME ? message->lane.inbox : message->lane.outbox;
    if (!contract)
        return "this source has no address of the contract that writes this log";
    if (!codec_bytes_are_zero(home, 12) || memcmp(home + 12, contract, 20) != 0)
        return "the lane's contract is not the one that this source was given";
    if (watches->len == EVM_WATCHES_MAX)
        return "too many watches";
    return NULL;
}

static struct evm_watch *add(struct evm_watches *watches)
{
    if (watches->len == watches->cap) {
        const size_t cap = watches->cap ? watches->cap * 2 : 64;
        struct evm_watch *grown = realloc(watches->list, cap * sizeof *grown);
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

void evm_watches_subscribe(struct evm_watches *watches, const struct connector_subscribe *message)
{
    const char *why = refuse(watches, message);
    if (!why && by_id(watches, message->watch))
        why = "this watch number is taken";
    struct evm_watch *watch = why ? NULL : add(watches);
    if (!watch) {
        connector_cannot_watch(watches->evm->connector, CONNECTOR_SUBSCRIBE, message->watch, why ? why : "no memory");
        return;
    }
    *watch = (struct evm_watch){.id = message->watch,
                                .serial = ++watches->serial,
                                .kind = (enum connector_log_kind)message->kind,
                                .next = message->from,
                                .proven = owed(message->from),
                                .position = message->height,
                                .start = message->height,
                                .owed = message->from > 1,
                                .credit = message->credit};
    memcpy(watch->log, message->log, 32);
    memcpy(watch->lane, message->lane.id, 32);
    memcpy(watch->running, message->running, 32);
    evm_watches_pump(watches);
}

void evm_watches_credit(struct evm_watches *watches, const struct connector_credit *message)
{
    struct evm_watch *watch = by_id(watches, message->watch);
    if (!watch)
        return; /* unsubscribed, and this message was under way */
    watch->credit = message->bytes > UINT64_MAX - watch->credit ? UINT64_MAX : watch->credit + message->bytes;
    if (watch->need && watch->credit >= watch->need) {
        watch->need = 0;
        watch->told_need = false;
        evm_watches_pump(watches);
    }
}

void evm_watches_unsubscribe(struct evm_watches *watches, uint32_t id)
{
    struct evm_watch *watch = by_id(watches, id);
    if (watch)
        *watch = watches->list[--watches->len];
}

void evm_watches_again(struct evm_watches *watches, const struct connector_ask_again *message)
{
    struct evm_watch *watch = by_id(watches, message->watch);
    if (!watch) {
        connector_cannot_watch(watches->evm->connector, CONNECTOR_ASK_AGAIN, message->watch, "no such watch");
        return;
    }
    watch->serial = ++watches->serial; /* jobs under way no longer find it */
    watch->next = message->from;
    watch->proven = owed(message->from);
    memcpy(watch->running, message->running, 32);
    watch->position = watch->start = message->height;
    watch->need = 0;
    watch->owed = message->from > 1;
    watch->last_height = 0;
    watch->closing = watch->busy = watch->told_need = false;
    watch->failures = 0;
    watch->retry_at = 0;
    evm_watches_pump(watches);
}

/* ---- the next jobs ------------------------------------------------------------------------------------------------------ */

void evm_watches_pump(struct evm_watches *watches)
{
    const struct evm_tracker *tracker = watches->evm->tracker;
    const uint64_t now = sdk_loop_now(watches->evm->loop);
    if (!tracker->has_final || tracker->stopped || watches->evm->full || !sdk_rpc_usable(watches->evm->rpc))
        return;
    for (size_t i = 0; i < watches->len; i++) {
        const size_t at = (watches->cursor + i) % watches->len;
        struct evm_watch *watch = &watches->list[at];
        if (watch->busy || now < watch->retry_at)
            continue;
        if (watch->closing && watches->proofs < EVM_JOBS_MAX) {
            evm_evidence_start(watches, watch);
        } else if (!watch->closing && watch->need == 0 && watch->position <= tracker->final_height &&
                   watches->scans < EVM_JOBS_MAX) {
            evm_scan_start(watches, watch);
            watches->cursor = at + 1;
        }
    }
}
