/*
 * Watched logs (watch.h).
 */
#include "connectors/sdk/watch.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    RETRY_MIN_MS = 250,
    RETRY_MAX_MS = 60000,
    JOBS_MAX = 4,      /* scans, and as many proofs, under way */
    AUDIT_BLOCKS = 64, /* a log without news is compared with the chain so often: an event that was kept back shows */
    TRIES_MAX =
        3, /* in vain, before the relay is told: what it was sent may be made up, and other sources may do better */
};

void sdk_watches_init(struct sdk_watches *watches, const struct sdk_watch_chain *chain)
{
    *watches = (struct sdk_watches){.chain = *chain};
}

void sdk_watches_fini(struct sdk_watches *watches)
{
    free(watches->list);
}

static uint64_t now_ms(const struct sdk_watches *watches)
{
    return sdk_loop_now(connector_loop(watches->chain.connector));
}

static uint64_t height_or_lowest(const struct sdk_watches *watches, uint64_t height)
{
    return height > watches->chain.lowest ? height : watches->chain.lowest;
}

struct sdk_watch *sdk_watch_find(struct sdk_watches *watches, uint64_t serial)
{
    for (size_t i = 0; i < watches->len; i++)
        if (watches->list[i].serial == serial)
            return &watches->list[i];
    return NULL;
}

static struct sdk_watch *by_id(struct sdk_watches *watches, uint32_t id)
{
    for (size_t i = 0; i < watches->len; i++)
        if (watches->list[i].id == id)
            return &watches->list[i];
    return NULL;
}

bool sdk_watch_is_free(const struct sdk_watches *watches, const struct sdk_watch *watch)
{
    return !watch->busy && now_ms(watches) >= watch->retry_at;
}

/* ---- evidence -------------------------------------------------------------------------------------------------------- */

void sdk_watch_want_evidence(struct sdk_watches *watches, struct sdk_watch *watch, uint64_t height)
{
    const bool audit = !watches->chain.at_last && height >= watch->audited + AUDIT_BLOCKS;
    if (watch->next - 1 == watch->proven && !watch->owed && !audit)
        return;
    watch->closing = true;
    watch->close_height = height;
    if (!watches->chain.at_last || watch->last_height)
        return;
    /* The block of the last entry is wanted, and it lies before where the scan began. */
    const bool begun_late = watch->start > watches->chain.lowest;
    watch->closing = false;
    watch->position = begun_late ? watches->chain.lowest : watch->position;
    watch->owed = begun_late;
    watch->start = watches->chain.lowest;
}

/* Says once (33 about type 5) that the next block's records are more than the credit, when that is what the watch waits for. */
static void tell_need(const struct sdk_watches *watches, struct sdk_watch *watch)
{
    char text[160];
    if (watch->need == 0 || watch->told_need)
        return;
    watch->told_need = true;
    snprintf(text, sizeof text, "the records of block %" PRIu64 " are %" PRIu64 " bytes, the credit is %" PRIu64,
             watch->position, watch->need, watch->credit);
    connector_cannot_watch(watches->chain.connector, CONNECTOR_CREDIT, watch->id, text);
}

/* Nothing can be closed below a block that holds an entry which the relay has already. */
void sdk_watch_hold(struct sdk_watches *watches, struct sdk_watch *watch, uint64_t block, uint64_t bytes)
{
    watch->position = block;
    watch->need = bytes;
    if (watch->next - 1 > watch->proven && block > watch->last_height)
        sdk_watch_want_evidence(watches, watch, block - 1);
    if (watch->position != block)
        watch->need = 0; /* an earlier block is wanted first: this one comes by again */
    else if (!watch->closing)
        tell_need(watches, watch);
}

void sdk_watch_settle(struct sdk_watch *watch, uint64_t height)
{
    watch->closing = watch->owed = false;
    watch->audited = height;
    watch->failures = watch->rounds = 0;
}

void sdk_watch_mark(struct connector_mark *out, const struct sdk_watch *watch)
{
    *out = (struct connector_mark){.watch = watch->id, .number = watch->next - 1};
    memcpy(out->running, watch->running, 32);
}

/* ---- what goes wrong ------------------------------------------------------------------------------------------------- */

static void tell(const struct sdk_watches *watches, const struct sdk_watch *watch, const char *text)
{
    connector_cannot_watch(watches->chain.connector, CONNECTOR_SUBSCRIBE, watch->id, text);
}

void sdk_watch_later(struct sdk_watches *watches, struct sdk_watch *watch, const char *text)
{
    const unsigned times = watch->failures + watch->rounds;
    const uint64_t wait = (uint64_t)RETRY_MIN_MS << (times < 9 ? times : 9);
    if (watch->failures >= TRIES_MAX)
        tell(watches, watch, text);
    watch->failures++;
    watch->retry_at = now_ms(watches) + (wait < RETRY_MAX_MS ? wait : RETRY_MAX_MS);
    if (!watch->closing &&
        watch->position < watch->start) /* a search further back ends where the node has nothing more */
        watch->position = watch->start;
}

void sdk_watch_fail(struct sdk_watches *watches, struct sdk_watch *watch, const char *text)
{
    if (watch->failures < TRIES_MAX)
        tell(watches, watch, text);
    sdk_watch_later(watches, watch, text);
}

void sdk_watch_unread(struct sdk_watches *watches, struct sdk_watch *watch, const char *text)
{
    char line[256];
    snprintf(line, sizeof line, "watch %u, entry %" PRIu64 ": %s", watch->id, watch->next, text);
    sdk_notice_nonsense(watches->chain.notices, line);
    sdk_watch_later(watches, watch, text);
}

void sdk_watch_mistrust(struct sdk_watches *watches, struct sdk_watch *watch, const char *text)
{
    const unsigned before = watch->failures;
    sdk_watch_unread(watches, watch, text);
    if (before == 0 && watch->last_height > watch->start)
        watch->position = watch->last_height;
    else
        watch->position = before < 2 ? watch->start : watches->chain.lowest;
    watch->closing = watch->told_need = false;
    watch->need = 0; /* what did not fit was found further on: else nobody would search again */
}

void sdk_watch_differs(struct sdk_watches *watches, struct sdk_watch *watch)
{
    char text[160];
    snprintf(text, sizeof text, "the events do not lead to what %s holds: ask again (14), or another source",
             watches->chain.home);
    sdk_watch_mistrust(watches, watch, text);
}

/* ---- groups ---------------------------------------------------------------------------------------------------------- */

void sdk_group_add(struct sdk_group *group, struct sdk_watch *watch)
{
    group->serials[group->len++] = watch->serial;
    watch->busy = true;
}

void sdk_group_release(struct sdk_watches *watches, const struct sdk_group *group)
{
    for (size_t i = 0; i < group->len; i++) {
        struct sdk_watch *watch = sdk_watch_find(watches, group->serials[i]);
        if (watch)
            watch->busy = false;
    }
}

static bool is_marked(const struct sdk_watch *watch, const struct connector_mark *marks, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (marks[i].watch == watch->id)
            return true;
    return false;
}

void sdk_group_conclude(struct sdk_watches *watches, const struct sdk_group *group, uint64_t height,
                        const struct connector_mark *marks, size_t count, enum sdk_sent sent)
{
    for (size_t i = 0; i < group->len; i++) {
        struct sdk_watch *watch = sdk_watch_find(watches, group->serials[i]);
        if (!watch || !is_marked(watch, marks, count))
            continue;
        switch (sent) {
        case SDK_SENT:
            watch->proven = watch->next - 1;
            sdk_watch_settle(watch, height);
            tell_need(watches, watch);
            break;
        case SDK_TOO_LARGE: sdk_watch_fail(watches, watch, "the evidence is larger than a message may be"); break;
        case SDK_FULL: break; /* `drained` tries again */
        }
    }
}

/* ---- what the relay says --------------------------------------------------------------------------------------------- */

static const char *refuse(struct sdk_watches *watches, const struct connector_subscribe *message)
{
    const char *why = watches->chain.refuse(watches->chain.context, message);
    if (why)
        return why;
    if (watches->len == SDK_WATCHES_MAX)
        return "too many watches";
    return by_id(watches, message->watch) ? "this watch number is taken" : NULL;
}

static struct sdk_watch *add(struct sdk_watches *watches)
{
    if (watches->len == watches->cap) {
        const size_t cap = watches->cap ? watches->cap * 2 : 64;
        struct sdk_watch *grown = realloc(watches->list, cap * sizeof *grown);
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

void sdk_watches_subscribe(struct sdk_watches *watches, const struct connector_subscribe *message)
{
    const char *why = refuse(watches, message);
    struct sdk_watch *watch = why ? NULL : add(watches);
    if (!watch) {
        connector_cannot_watch(watches->chain.connector, CONNECTOR_SUBSCRIBE, message->watch, why ? why : "no memory");
        return;
    }
    *watch = (struct sdk_watch){.id = message->watch,
                                .serial = ++watches->serial,
                                .kind = (enum connector_log_kind)message->kind,
                                .next = message->from,
                                .proven = owed(message->from),
                                .position = height_or_lowest(watches, message->height),
                                .start = height_or_lowest(watches, message->height),
                                .owed = message->from > 1,
                                .credit = message->credit};
    memcpy(watch->log, message->log, 32);
    memcpy(watch->lane, message->lane.id, 32);
    memcpy(watch->running, message->running, 32);
    sdk_watches_pump(watches);
}

void sdk_watches_credit(struct sdk_watches *watches, const struct connector_credit *message)
{
    struct sdk_watch *watch = by_id(watches, message->watch);
    if (!watch)
        return; /* unsubscribed, and this message was under way */
    watch->credit = message->bytes > UINT64_MAX - watch->credit ? UINT64_MAX : watch->credit + message->bytes;
    if (watch->need && watch->credit >= watch->need) {
        watch->need = 0;
        watch->told_need = false;
        sdk_watches_pump(watches);
    }
}

void sdk_watches_unsubscribe(struct sdk_watches *watches, uint32_t id)
{
    struct sdk_watch *watch = by_id(watches, id);
    if (watch)
        *watch = watches->list[--watches->len];
}

void sdk_watches_again(struct sdk_watches *watches, const struct connector_ask_again *message)
{
    struct sdk_watch *watch = by_id(watches, message->watch);
    if (!watch) {
        connector_cannot_watch(watches->chain.connector, CONNECTOR_ASK_AGAIN, message->watch, "no such watch");
        return;
    }
    watch->serial = ++watches->serial; /* jobs under way no longer find it */
    watch->next = message->from;
    watch->proven = owed(message->from);
    memcpy(watch->running, message->running, 32);
    watch->position = watch->start = height_or_lowest(watches, message->height);
    watch->need = 0;
    watch->owed = message->from > 1;
    watch->last_height = 0;
    watch->closing = watch->busy = watch->told_need = false;
    watch->rounds += watch->failures > 0; /* asking again makes no node better: the pause goes on */
    watch->failures = 0;
    sdk_watches_pump(watches);
}

/* ---- the next jobs --------------------------------------------------------------------------------------------------- */

void sdk_watches_pump(struct sdk_watches *watches)
{
    const struct sdk_watch_chain *chain = &watches->chain;
    uint64_t limit = 0;
    if (!chain->ready(chain->context, &limit))
        return;
    for (size_t i = 0; i < watches->len; i++) {
        const size_t at = (watches->cursor + i) % watches->len;
        struct sdk_watch *watch = &watches->list[at];
        if (!sdk_watch_is_free(watches, watch))
            continue;
        if (watch->closing && watches->proofs < JOBS_MAX) {
            chain->prove(chain->context, watch);
        } else if (!watch->closing && watch->need == 0 && watch->position <= limit && watches->scans < JOBS_MAX) {
            chain->scan(chain->context, watch);
            watches->cursor = at + 1;
        }
    }
}
