/*
 * What core and store know of one message; of pruned ones, from their skeleton.
 */
#include "relay/edge/explain.h"

#include <stdio.h>
#include <string.h>

#include "proofs/codec/hex.h"
#include "proofs/message.h"
#include "relay/store/keys.h"

/* Takes sequence out of one row that begins at from; false when it is not in it. */
static bool row_take(struct relay_explain *explain, uint64_t *settled_at, uint64_t from, struct store_view value)
{
    struct keys_skeleton row;
    struct codec_reader reader;
    if (!keys_skeleton_read(&row, (struct bytes){value.data, value.len}) || explain->sequence < from ||
        explain->sequence - from >= row.count)
        return false;
    codec_reader_init(&reader, codec_bytes_slice(row.entries, (size_t)(explain->sequence - from) * KEYS_SKELETON_ENTRY,
                                                 KEYS_SKELETON_ENTRY));
    codec_read_copy(explain->digest, &reader, 32);
    explain->status = codec_read_u8(&reader);
    explain->reason = codec_read_u32(&reader);
    explain->stored_at = row.stored_at;
    explain->from_peer = row.origin == KEYS_ORIGIN_MESH ? row.peer : RELAY_NO_SOURCE;
    *settled_at = row.settled_at;
    return codec_reader_done(&reader);
}

bool edge_explain_pruned(struct relay_explain *explain, uint64_t *settled_at, struct store *store,
                         const uint8_t log[32])
{
    uint8_t from[KEYS_SEGMENT_BYTES], to[KEYS_SEGMENT_BYTES];
    uint64_t sequence = explain->sequence;
    bool found = false;
    *settled_at = 0;
    keys_segment_key(from, log, sequence >= PROOF_RANGE_MAX ? sequence - PROOF_RANGE_MAX + 1 : 1);
    keys_segment_key(to, log, sequence + 1);
    struct store_snapshot *snapshot = store->ops->snapshot_new(store);
    if (snapshot == NULL)
        return false;
    struct store_cursor *cursor = store->ops->cursor_new(
        snapshot, STORE_SKELETON, (struct store_view){from, sizeof(from)}, (struct store_view){to, sizeof(to)});
    for (; cursor != NULL && !found && store->ops->cursor_valid(cursor); store->ops->cursor_next(cursor)) {
        struct store_view key = store->ops->cursor_key(cursor);
        uint64_t begin;
        found = keys_segment_key_read(&begin, (struct bytes){key.data, key.len}) &&
                row_take(explain, settled_at, begin, store->ops->cursor_value(cursor));
    }
    if (cursor != NULL)
        store->ops->cursor_free(cursor);
    store->ops->snapshot_free(snapshot);
    return found;
}

bool edge_explain(struct relay_explain *out, uint64_t *settled_at, const struct relay_core *core, uint16_t lane,
                  uint64_t sequence, struct store *store, const uint8_t log[32])
{
    bool found = relay_core_explain(core, lane, sequence, out);
    *settled_at = 0;
    if (out->pruned)
        edge_explain_pruned(out, settled_at, store, log);
    out->delivered = out->delivered || (out->settled && out->status != 0);
    return found;
}

const char *edge_explain_stage(const struct relay_explain *explain)
{
    return explain->settled     ? "settled"
           : explain->delivered ? "delivered"
           : explain->certified ? "certified"
           : explain->attested  ? "attested"
           : explain->proven    ? "proven"
           : explain->stored    ? "stored"
           : explain->seen      ? "seen"
                                : "unknown";
}

int edge_explain_lane(const struct topology_network *network, const char *name)
{
    uint8_t id[32];
    int index = topology_lane_by_name(network, name);
    if (index >= 0 || !codec_hex_decode_exact(id, sizeof(id), name, strlen(name)))
        return index;
    for (size_t i = 0; i < network->lanes_len; i++) {
        if (memcmp(network->lanes[i].id, id, sizeof(id)) == 0)
            return (int)i;
    }
    return -1;
}

bool edge_explain_about_lane(const struct topology_network *network, const char *filter)
{
    char name[TOPOLOGY_NAME_MAX + 1];
    size_t len = strcspn(filter, "/");
    if (len > TOPOLOGY_NAME_MAX)
        return false;
    memcpy(name, filter, len);
    name[len] = '\0';
    return topology_lane_by_name(network, name) >= 0;
}

void edge_explain_lanes(char out[EDGE_EXPLAIN_LANES_MAX], const struct topology_network *network, const char *name)
{
    static const char more[] = ", and more: isthmus lanes";
    const size_t cap = EDGE_EXPLAIN_LANES_MAX;
    size_t i = 0, len = (size_t)snprintf(out, cap, "there is no lane `%.80s`; there are", name);
    for (; i < network->lanes_len && len + TOPOLOGY_NAME_MAX + sizeof(more) + 2 < cap; i++)
        len += (size_t)snprintf(out + len, cap - len, "%s %s", i > 0 ? "," : "", network->lanes[i].name);
    if (i < network->lanes_len)
        snprintf(out + len, cap - len, "%s", more);
}
