/*
 * Entries, checked and sent (entries.h).
 */
#include "connectors/sdk/entries.h"

#include <string.h>

#include "connectors/sdk/record.h"

enum { CHUNK_RECORDS = 256, CHUNK_BYTES = 1 << 20 /* of one message; a single larger record goes alone */ };

void sdk_entries_begin(struct sdk_entries *entries, const struct sdk_watch *watch, struct sdk_arena *arena)
{
    *entries = (struct sdk_entries){.arena = arena, .watch = watch, .to = watch->next - 1};
    memcpy(entries->end, watch->running, 32);
}

static bool grow(struct sdk_entries *entries)
{
    const size_t cap = entries->cap ? 2 * entries->cap : 16;
    struct bytes *records = sdk_arena_take(entries->arena, cap, sizeof *records);
    uint8_t(*running)[32] = sdk_arena_take(entries->arena, cap, sizeof *running);
    if (!records || !running)
        return false;
    if (entries->count) {
        memcpy(records, entries->records, entries->count * sizeof *records);
        memcpy(running, entries->running, entries->count * sizeof *running);
    }
    entries->records = records;
    entries->running = running;
    entries->cap = cap;
    return true;
}

const char *sdk_entries_add(struct sdk_entries *entries, uint64_t from, uint64_t to, const uint8_t running[32],
                            struct bytes record)
{
    const struct sdk_watch *watch = entries->watch;
    if (to <= entries->to) { /* the relay has it; where the last one lies is good to know */
        entries->known_end = entries->known_end || to == entries->to;
        return NULL;
    }
    if (from != entries->to + 1)
        return "events are missing before one that was given";
    if (watch->kind == CONNECTOR_LOG_SETTLEMENT)
        memcpy(entries->end, running, 32);
    else if (!sdk_record_extend(entries->end, watch->kind, watch->lane, from, record))
        return "a record that is malformed";
    if (memcmp(entries->end, running, 32) != 0)
        return "a record that does not lead to the running hash beside it";
    if (entries->count == entries->cap && !grow(entries))
        return "no memory";
    entries->to = to;
    memcpy(entries->running[entries->count], entries->end, 32);
    entries->records[entries->count++] = record;
    entries->bytes += record.len;
    return NULL;
}

/* Sends records [at, end) as one message. */
static bool send_chunk(struct connector *connector, struct sdk_watch *watch, const struct sdk_entries *entries,
                       size_t at, size_t end)
{
    size_t len = 0;
    for (size_t i = at; i < end; i++)
        len += entries->records[i].len;
    uint8_t *data = sdk_arena_take(entries->arena, len, 1);
    if (!data)
        return false;
    len = 0;
    for (size_t i = at; i < end; i++) {
        memcpy(data + len, entries->records[i].data, entries->records[i].len);
        len += entries->records[i].len;
    }
    const struct connector_message message = {
        .type = CONNECTOR_RECORDS,
        .records = {watch->id, watch->next, (uint32_t)(end - at), {data, len}},
    };
    if (connector_send(connector, &message) != SDK_SENT)
        return false;
    watch->next += end - at;
    memcpy(watch->running, entries->running[end - 1], 32);
    watch->credit -= len;
    return true;
}

/* In chunks; false when there is no room: what was sent stays sent. */
static bool send_all(struct connector *connector, struct sdk_watch *watch, const struct sdk_entries *entries)
{
    if (watch->kind == CONNECTOR_LOG_SETTLEMENT) {
        watch->next = entries->to + 1;
        memcpy(watch->running, entries->end, 32);
        return true;
    }
    for (size_t at = 0, end = 0; at < entries->count; at = end) {
        size_t bytes = 0;
        while (end < entries->count && end - at < CHUNK_RECORDS && (end == at || bytes < CHUNK_BYTES))
            bytes += entries->records[end++].len;
        if (!send_chunk(connector, watch, entries, at, end))
            return false;
    }
    return true;
}

bool sdk_entries_give(struct sdk_watches *watches, struct sdk_watch *watch, uint64_t block,
                      const struct sdk_entries *entries)
{
    if (entries->known_end)
        watch->last_height = block;
    if (entries->count == 0)
        return true;
    if (entries->bytes > watch->credit) {
        sdk_watch_hold(watches, watch, block, entries->bytes);
        return false;
    }
    if (!send_all(watches->chain.connector, watch, entries)) {
        watch->position = block; /* `drained` goes on from here */
        return false;
    }
    watch->last_height = block;
    return true;
}
