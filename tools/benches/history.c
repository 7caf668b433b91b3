/* A history is written as a relay leaves it behind: segments written and deleted again, skeletons, marks, pending segments. */
#include "tools/benches/history.h"

#include <string.h>

#include "proofs/lane.h"
#include "proofs/message.h"
#include "relay/store/keys.h"
#include "tools/benches/scene.h"

enum { RECORD_MAX = 512, PAYLOAD = 100, SEGMENT_RECORDS = 256, DELETE_EVERY = 16 };

static void put(struct history *history, enum store_family family, struct bytes key, struct bytes value)
{
    history->store->ops->batch_put(history->batch, family, (struct store_view){key.data, key.len},
                                   (struct store_view){value.data, value.len});
}

static void commit(struct history *history)
{
    char text[256];
    if (history->store->ops->commit(history->store, history->batch) != STORE_OK) {
        history->store->ops->error(history->store, text, sizeof(text));
        scene_die("%s", text);
    }
    history->store->ops->batch_clear(history->batch);
}

/* One segment of real records; the running hash goes on from the one before. */
static void segment_put(struct history *history, uint64_t from)
{
    static uint8_t records[SEGMENT_RECORDS * RECORD_MAX], value[sizeof(records) + 256], payload[PAYLOAD];
    uint8_t key[KEYS_SEGMENT_BYTES], commitment[32];
    struct codec_writer writer;
    struct keys_segment row = {.count = SEGMENT_RECORDS, .stored_at = 1, .origin = KEYS_ORIGIN_CHAIN};
    memcpy(row.before, history->running, 32);
    codec_writer_init(&writer, records, sizeof(records));
    for (uint64_t n = from; n < from + SEGMENT_RECORDS; n++) {
        struct proof_message message = {.sequence = n,
                                        .time = 1700000000,
                                        .deadline = 1700001000,
                                        .suites = PROOF_SUITE_KECCAK256_SECP256K1,
                                        .commitments = commitment,
                                        .has_payload = true,
                                        .payload = BYTES_OF(payload)};
        uint8_t digest[1][32];
        memcpy(payload, &n, sizeof(n));
        proof_message_commitment(commitment, PROOF_SUITE_KECCAK256_SECP256K1, message.salt, message.payload);
        proof_message_write(&writer, &message);
        proof_message_digest(digest[0], PROOF_SUITE_KECCAK256_SECP256K1, history->lane->id, &message);
        proof_running_hash_extend(history->running, PROOF_SUITE_KECCAK256_SECP256K1, (const uint8_t(*)[32])digest, 1);
    }
    row.records = codec_writer_bytes(&writer);
    codec_writer_init(&writer, value, sizeof(value));
    keys_segment_write(&writer, &row);
    keys_segment_key(key, history->lane->logs[0], from);
    put(history, STORE_SEGMENT, BYTES_OF(key), codec_writer_bytes(&writer));
}

static void skeleton_put(struct history *history, uint64_t from)
{
    static uint8_t entries[SEGMENT_RECORDS * KEYS_SKELETON_ENTRY], value[sizeof(entries) + 64];
    uint8_t key[KEYS_SEGMENT_BYTES];
    struct codec_writer writer;
    memset(entries, (int)(from >> 8), sizeof(entries));
    codec_writer_init(&writer, value, sizeof(value));
    keys_skeleton_write(&writer, &(struct keys_skeleton){.count = SEGMENT_RECORDS,
                                                         .stored_at = 1,
                                                         .settled_at = 2,
                                                         .origin = KEYS_ORIGIN_CHAIN,
                                                         .entries = BYTES_OF(entries)});
    keys_segment_key(key, history->lane->logs[0], from);
    put(history, STORE_SKELETON, BYTES_OF(key), codec_writer_bytes(&writer));
}

static void segments_delete(struct history *history, uint64_t from, uint64_t to)
{
    uint8_t low[KEYS_SEGMENT_BYTES], high[KEYS_SEGMENT_BYTES];
    keys_segment_key(low, history->lane->logs[0], from);
    keys_segment_key(high, history->lane->logs[0], to);
    history->store->ops->batch_delete_range(history->batch, STORE_SEGMENT, (struct store_view){low, sizeof(low)},
                                            (struct store_view){high, sizeof(high)});
}

/* At `base`, where history->running stands. */
static void marks_put(struct history *history, uint64_t base, uint64_t proven)
{
    uint8_t value[KEYS_SMALL_VALUE_MAX];
    struct codec_writer writer;
    struct keys_log row = {.base = base, .proven = proven, .attested = base, .settled = base, .height = 1000};
    memcpy(row.running, history->running, 32);
    codec_writer_init(&writer, value, sizeof(value));
    keys_log_write(&writer, &row);
    put(history, STORE_LOG, BYTES_OF(history->lane->logs[0]), codec_writer_bytes(&writer));
}

void history_write(struct history *history, uint64_t settled, uint64_t pending)
{
    uint64_t kept = 1;
    memcpy(history->running, history->lane->logs[0], 32);
    marks_put(history, 0, 0);
    for (uint64_t from = 1; from <= settled; from += SEGMENT_RECORDS) {
        segment_put(history, from);
        skeleton_put(history, from);
        if ((from / SEGMENT_RECORDS) % DELETE_EVERY == DELETE_EVERY - 1 || from + SEGMENT_RECORDS > settled) {
            segments_delete(history, kept, from + SEGMENT_RECORDS);
            marks_put(history, from + SEGMENT_RECORDS - 1, from + SEGMENT_RECORDS - 1);
            kept = from + SEGMENT_RECORDS;
        }
        commit(history);
    }
    uint64_t segments = (pending + SEGMENT_RECORDS - 1) / SEGMENT_RECORDS;
    marks_put(history, kept - 1, kept - 1 + segments * SEGMENT_RECORDS);
    for (uint64_t i = 0; i < segments; i++)
        segment_put(history, kept + i * SEGMENT_RECORDS);
    commit(history);
}
