/*
 * Rows of a store, any bytes (relay/store/keys.h). An input is: which value (1 byte), length of the key (1), key, value.
 *
 * What must hold besides memory: there is one way to write each value, so what is read and written again is the same bytes; what
 * a reader hands out lies within the value and within its bounds; a key that is read is the one that its writer makes.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "relay/store/keys.h"

enum { ROW_MAX = 1 << 16 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
    if (!holds)
        __builtin_trap();
}

static bool inside(struct bytes part, struct bytes whole)
{
    return part.len == 0 || (part.data >= whole.data && part.data + part.len <= whole.data + whole.len);
}

/* Reads it, says whether its views lie inside, writes it again. False: refused. */
static bool again(struct codec_writer *writer, unsigned which, struct bytes value)
{
    union {
        struct keys_log log;
        struct keys_segment segment;
        struct keys_skeleton skeleton;
        struct keys_head head;
        struct keys_chain chain;
        struct keys_trust trust;
        struct keys_audit audit;
    } row;
    switch (which) {
    case 0:
        if (!keys_log_read(&row.log, value))
            return false;
        require(row.log.expelled_len <= KEYS_EXPELLED_MAX);
        keys_log_write(writer, &row.log);
        return true;
    case 1:
        if (!keys_segment_read(&row.segment, value))
            return false;
        require(row.segment.count > 0 && inside(row.segment.records, value));
        keys_segment_write(writer, &row.segment);
        return true;
    case 2:
        if (!keys_skeleton_read(&row.skeleton, value))
            return false;
        require(row.skeleton.entries.len == (size_t)row.skeleton.count * KEYS_SKELETON_ENTRY);
        require(inside(row.skeleton.entries, value));
        keys_skeleton_write(writer, &row.skeleton);
        return true;
    case 3:
        if (!keys_head_read(&row.head, value))
            return false;
        require(row.head.path.len % 32 == 0 && inside(row.head.path, value));
        keys_head_write(writer, &row.head);
        return true;
    case 4:
        if (!keys_chain_read(&row.chain, value))
            return false;
        keys_chain_write(writer, &row.chain);
        return true;
    case 5:
        if (!keys_trust_read(&row.trust, value))
            return false;
        require(row.trust.trust.len > 0 && inside(row.trust.trust, value) && inside(row.trust.next, value));
        require(inside(row.trust.bundle, value) && inside(row.trust.before_next, value));
        keys_trust_write(writer, &row.trust);
        return true;
    default:
        if (!keys_audit_read(&row.audit, value))
            return false;
        require(inside(row.audit.reason, value) && inside(row.audit.text, value));
        keys_audit_write(writer, &row.audit);
        return true;
    }
}

static void keys_again(struct bytes key)
{
    uint8_t out[KEYS_HEAD_SECOND_BYTES], key_id[32];
    uint64_t number;
    if (keys_segment_key_read(&number, key)) {
        keys_segment_key(out, key.data, number);
        require(key.len == KEYS_SEGMENT_BYTES && memcmp(out, key.data, key.len) == 0);
    }
    if (keys_head_key_read(&number, key_id, key)) {
        require(key.len == KEYS_HEAD_BYTES || (key.len == KEYS_HEAD_SECOND_BYTES && key.data[KEYS_HEAD_BYTES] == 1));
        keys_head_key(out, key.data, number, key_id);
        require(memcmp(out, key.data, KEYS_HEAD_BYTES) == 0);
    }
    if ((number = keys_audit_key_read(key)) != 0) {
        keys_audit_key(out, number);
        require(key.len == KEYS_AUDIT_BYTES && memcmp(out, key.data, key.len) == 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t out[ROW_MAX];
    struct codec_reader reader;
    struct codec_writer writer;
    codec_reader_init(&reader, (struct bytes){data, size});
    unsigned which = codec_read_u8(&reader) % 7;
    struct bytes key = codec_read_bytes(&reader, codec_read_u8(&reader));
    struct bytes value = codec_read_bytes(&reader, codec_reader_left(&reader));
    if (reader.failed || value.len > ROW_MAX)
        return 0;
    keys_again(key);
    codec_writer_init(&writer, out, sizeof out);
    if (again(&writer, which, value))
        require(!writer.failed && codec_bytes_equal(codec_writer_bytes(&writer), value));
    return 0;
}
