/* The judge, what is on a relay's disk: every commit is followed, every start reads the whole store. */
#include <stdlib.h>
#include <string.h>

#include "proofs/codec/bytes.h"
#include "relay/store/keys.h"
#include "tests/sim/judge.h"

static int watch_of(const struct judge *judge, struct bytes key)
{
    uint8_t kind = 0;
    int lane = key.len >= 32 ? topology_lane_by_log(&judge->world->network, key.data, &kind) : -1;
    return lane < 0 ? -1 : lane * 3 + kind - 1;
}

/* ---- signed heads --------------------------------------------------------------------------------------------------- */

static uint64_t fingerprint(uint16_t watch, uint64_t number, const uint8_t key_id[32])
{
    uint64_t word;
    memcpy(&word, key_id + 20, 8);
    word = (word ^ number * UINT64_C(0x9e3779b97f4a7c15) ^ watch) * UINT64_C(0xbf58476d1ce4e5b9);
    return (word ^ word >> 31) | 1;
}

static void head_insert(struct judge_relay *relay, uint64_t print)
{
    if (2 * (relay->heads_len + 1) > relay->heads_cap) {
        uint64_t *old = relay->heads;
        size_t old_cap = relay->heads_cap;
        relay->heads_cap = old_cap ? 2 * old_cap : 256;
        relay->heads = calloc(relay->heads_cap, sizeof(*relay->heads));
        relay->heads_len = 0;
        for (size_t i = 0; i < old_cap; i++) {
            if (old[i] != 0)
                head_insert(relay, old[i]);
        }
        free(old);
    }
    size_t at = print % relay->heads_cap;
    while (relay->heads[at] != 0 && relay->heads[at] != print)
        at = (at + 1) % relay->heads_cap;
    relay->heads_len += relay->heads[at] == 0;
    relay->heads[at] = print;
}

bool judge_platter_head(const struct judge *judge, uint16_t relay, uint16_t watch, uint64_t number,
                        const uint8_t key_id[32])
{
    const struct judge_relay *state = &judge->relays[relay];
    uint64_t print = fingerprint(watch, number, key_id);
    if (state->heads_cap == 0)
        return false;
    for (size_t at = print % state->heads_cap; state->heads[at] != 0; at = (at + 1) % state->heads_cap) {
        if (state->heads[at] == print)
            return true;
    }
    return false;
}

/* ---- records -------------------------------------------------------------------------------------------------------- */

static void segment_put(struct judge_platter *platter, struct judge_segment segment)
{
    if (platter->len == platter->cap) {
        platter->cap = 2 * platter->cap + 8;
        platter->segments = reallocarray(platter->segments, platter->cap, sizeof(segment));
    }
    size_t at = platter->len;
    while (at > 0 && platter->segments[at - 1].from >= segment.from)
        at--;
    if (at == platter->len || platter->segments[at].from != segment.from) {
        memmove(&platter->segments[at + 1], &platter->segments[at], (platter->len - at) * sizeof(segment));
        platter->len++;
    }
    platter->segments[at] = segment;
    if (segment.to > platter->reached)
        platter->reached = segment.to;
}

static void segments_delete(struct judge_platter *platter, uint64_t from, uint64_t to) /* keys in [from, to) */
{
    size_t kept = 0;
    for (size_t i = 0; i < platter->len; i++) {
        if (platter->segments[i].from < from || platter->segments[i].from >= to)
            platter->segments[kept++] = platter->segments[i];
    }
    platter->len = kept;
}

static void put(struct judge *judge, uint16_t relay, uint16_t watch, enum store_family family, struct bytes key,
                struct bytes value)
{
    struct judge_platter *platter = &judge->relays[relay].platter[watch];
    struct keys_segment segment;
    struct keys_skeleton skeleton;
    struct keys_log row;
    uint8_t key_id[32];
    uint64_t number = 0;
    bool read = true;
    if (family == STORE_SEGMENT) {
        read = keys_segment_key_read(&number, key) && keys_segment_read(&segment, value);
        if (read)
            segment_put(platter, (struct judge_segment){number, number + segment.count - 1, segment.records.len});
    } else if (family == STORE_SKELETON) {
        read = keys_segment_key_read(&number, key) && keys_skeleton_read(&skeleton, value);
        if (read && !platter->scanning && number > platter->skeleton + 1)
            judge_wrong(judge, "relay %u: digests of log %u are kept up to %llu and from %llu: a hole between them",
                        relay, watch, (unsigned long long)platter->skeleton, (unsigned long long)number);
        if (read && number + skeleton.count - 1 > platter->skeleton)
            platter->skeleton = number + skeleton.count - 1;
    } else if (family == STORE_LOG) {
        read = keys_log_read(&row, value);
        platter->base = read ? row.base : 0;
        if (platter->base > platter->reached)
            platter->reached = platter->base;
        if (platter->base > platter->skeleton && platter->sure <= platter->skeleton)
            platter->skeleton = platter->base; /* it joined there: of what came before it had claims at most */
    } else if (family == STORE_HEAD) {
        read = keys_head_key_read(&number, key_id, key);
        head_insert(&judge->relays[relay], fingerprint(watch, number, key_id));
    }
    if (!read)
        judge_wrong(judge, "relay %u wrote a malformed row of family %s", relay, store_family_name(family));
}

static void holes_check(struct judge *judge, uint16_t relay, uint16_t watch)
{
    const struct judge_platter *platter = &judge->relays[relay].platter[watch];
    uint64_t next = platter->base + 1;
    if (watch % 3 + 1 == PROOF_LOG_MESSAGE && platter->skeleton < platter->base)
        judge_wrong(judge, "relay %u: messages up to %llu of lane %u are forgotten, digests only up to %llu are kept",
                    relay, (unsigned long long)platter->base, watch / 3, (unsigned long long)platter->skeleton);
    for (size_t i = 0; i < platter->len; i++) {
        if (platter->segments[i].to < next)
            continue;
        if (platter->segments[i].from > next) {
            judge_wrong(judge, "relay %u: on its disk records %llu to %llu of log %u are missing", relay,
                        (unsigned long long)next, (unsigned long long)platter->segments[i].from - 1, watch);
            return;
        }
        next = platter->segments[i].to + 1;
    }
}

void judge_platter_commit(struct judge *judge, uint16_t relay, const struct relay_op *ops, size_t count)
{
    uint32_t touched = 0;
    for (size_t i = 0; i < count; i++) {
        const struct relay_op *op = &ops[i];
        int watch = op->family == STORE_CHAIN || op->family == STORE_AUDIT || op->family == STORE_META
                        ? -1
                        : watch_of(judge, op->key);
        uint64_t from = 0, to = 0;
        if (watch < 0)
            continue;
        touched |= op->family == STORE_SEGMENT || op->family == STORE_LOG ? UINT32_C(1) << watch : 0;
        if (op->type == RELAY_OP_PUT)
            put(judge, relay, (uint16_t)watch, op->family, op->key, op->value);
        else if (op->family == STORE_SEGMENT && keys_segment_key_read(&from, op->key))
            segments_delete(&judge->relays[relay].platter[watch], from,
                            op->type == RELAY_OP_DELETE_RANGE && keys_segment_key_read(&to, op->value) ? to : from + 1);
    }
    for (uint16_t watch = 0; touched >> watch != 0; watch++) {
        if (touched >> watch & 1)
            holes_check(judge, relay, watch);
    }
}

void judge_platter_scan(struct judge *judge, uint16_t relay)
{
    static const enum store_family FAMILIES[] = {STORE_LOG, STORE_SEGMENT, STORE_SKELETON, STORE_HEAD};
    struct store *store = judge->world->relays[relay].disk.store;
    for (uint16_t watch = 0; watch < WORLD_LOGS_MAX; watch++) {
        struct judge_platter *platter = &judge->relays[relay].platter[watch];
        *platter = (struct judge_platter){.segments = platter->segments, .cap = platter->cap, .scanning = true};
    }
    if (store == NULL)
        return;
    struct store_snapshot *snapshot = store->ops->snapshot_new(store);
    for (size_t i = 0; i < sizeof(FAMILIES) / sizeof(FAMILIES[0]); i++) {
        struct store_cursor *cursor =
            store->ops->cursor_new(snapshot, FAMILIES[i], (struct store_view){NULL, 0}, (struct store_view){NULL, 0});
        for (; store->ops->cursor_valid(cursor); store->ops->cursor_next(cursor)) {
            struct store_view key = store->ops->cursor_key(cursor), value = store->ops->cursor_value(cursor);
            int watch = watch_of(judge, (struct bytes){key.data, key.len});
            if (watch >= 0)
                put(judge, relay, (uint16_t)watch, FAMILIES[i], (struct bytes){key.data, key.len},
                    (struct bytes){value.data, value.len});
        }
        store->ops->cursor_free(cursor);
    }
    store->ops->snapshot_free(snapshot);
    for (uint16_t watch = 0; watch < judge->world->logs_len; watch++) {
        struct judge_platter *platter = &judge->relays[relay].platter[watch];
        platter->scanning = false;
        if (platter->skeleton < platter->base && platter->reached == platter->base)
            platter->skeleton = platter->base; /* it joined here and pruned nothing yet */
        holes_check(judge, relay, watch);
    }
}
