/*
 * The plain trie: every node is encoded from the list of entries below it, by filtering that list for each nibble.
 */
#include "tests/unit/proofs/trie.h"

#include <assert.h>
#include <string.h>

#include "proofs/codec/keccak.h"
#include "proofs/codec/rlp.h"

/* The key whose way is being shown, and what was met on it. */
struct along {
    uint8_t nibbles[128];
    size_t len;
    struct bytes met[TRIE_LEVELS_MAX];
};

static size_t to_nibbles(uint8_t nibbles[128], struct bytes key)
{
    assert(key.len <= 64);
    for (size_t i = 0; i < key.len; i++) {
        nibbles[2 * i] = key.data[i] >> 4;
        nibbles[2 * i + 1] = key.data[i] & 15;
    }
    return 2 * key.len;
}

void trie_clear(struct trie *trie)
{
    trie->count = 0;
}

void trie_put(struct trie *trie, struct bytes key, struct bytes value)
{
    assert(trie->count < TRIE_ENTRIES_MAX && value.len > 0);
    struct trie_entry *entry = &trie->entries[trie->count++];
    entry->len = to_nibbles(entry->nibbles, key);
    entry->value = value;
}

static struct bytes keep(struct trie *trie, struct bytes node)
{
    assert(node.len <= TRIE_SPACE - trie->used);
    uint8_t *at = trie->space + trie->used;
    memcpy(at, node.data, node.len);
    trie->used += node.len;
    return (struct bytes){at, node.len};
}

static void write_path(struct codec_writer *writer, const uint8_t *nibbles, size_t len, int leaf)
{
    uint8_t text[66];
    size_t at = 0;
    unsigned flag = (leaf ? 2u : 0u) + (len % 2);
    text[at++] = (uint8_t)(flag << 4 | (len % 2 ? nibbles[0] : 0));
    for (size_t i = len % 2; i < len; i += 2)
        text[at++] = (uint8_t)(nibbles[i] << 4 | nibbles[i + 1]);
    codec_rlp_write_string(writer, (struct bytes){text, at});
}

static void write_reference(struct codec_writer *writer, struct bytes node)
{
    uint8_t hash[32];
    if (node.len < 32) {
        codec_rlp_write_raw(writer, node);
        return;
    }
    codec_keccak256(hash, node);
    codec_rlp_write_string(writer, BYTES_OF(hash));
}

static struct bytes encode(struct trie *trie, const size_t *list, size_t count, size_t depth, size_t level,
                           struct along *along);

static struct bytes encode_branch(struct trie *trie, const size_t *list, size_t count, size_t depth, size_t level,
                                  struct along *along)
{
    uint8_t buffer[4096];
    struct codec_writer writer;
    struct bytes value = {NULL, 0};
    codec_writer_init(&writer, buffer, sizeof buffer);
    for (uint8_t nibble = 0; nibble < 16; nibble++) {
        size_t below[TRIE_ENTRIES_MAX];
        size_t many = 0;
        for (size_t i = 0; i < count; i++) {
            const struct trie_entry *entry = &trie->entries[list[i]];
            if (entry->len == depth)
                value = entry->value;
            else if (entry->nibbles[depth] == nibble)
                below[many++] = list[i];
        }
        int on_way = along && depth < along->len && along->nibbles[depth] == nibble;
        if (many == 0)
            codec_rlp_write_string(&writer, (struct bytes){NULL, 0});
        else
            write_reference(&writer, encode(trie, below, many, depth + 1, level + 1, on_way ? along : NULL));
    }
    codec_rlp_write_string(&writer, value);
    codec_rlp_list_end(&writer, 0);
    assert(!writer.failed);
    return keep(trie, codec_writer_bytes(&writer));
}

static struct bytes encode(struct trie *trie, const size_t *list, size_t count, size_t depth, size_t level,
                           struct along *along)
{
    uint8_t buffer[4096];
    struct codec_writer writer;
    const struct trie_entry *first = &trie->entries[list[0]];
    size_t shared = first->len;
    struct bytes node;
    for (size_t i = 1; i < count; i++) {
        const struct trie_entry *other = &trie->entries[list[i]];
        size_t same = depth;
        while (same < shared && same < other->len && first->nibbles[same] == other->nibbles[same])
            same++;
        shared = same;
    }
    codec_writer_init(&writer, buffer, sizeof buffer);
    if (count > 1 && shared == depth) {
        node = encode_branch(trie, list, count, depth, level, along);
    } else {
        write_path(&writer, first->nibbles + depth, shared - depth, count == 1);
        if (count == 1) {
            codec_rlp_write_string(&writer, first->value);
        } else {
            int on_way = along && along->len >= shared &&
                         memcmp(along->nibbles + depth, first->nibbles + depth, shared - depth) == 0;
            struct bytes below = encode_branch(trie, list, count, shared, level + 1, on_way ? along : NULL);
            write_reference(&writer, below);
            if (on_way)
                along->met[level + 1] = below;
        }
        codec_rlp_list_end(&writer, 0);
        assert(!writer.failed);
        node = keep(trie, codec_writer_bytes(&writer));
    }
    if (along)
        along->met[level] = node;
    return node;
}

void trie_prove(struct trie_proof *proof, struct trie *trie, struct bytes key)
{
    static const uint8_t nothing[1] = {0x80};
    size_t list[TRIE_ENTRIES_MAX];
    struct along along = {.len = 0};
    along.len = to_nibbles(along.nibbles, key);
    trie->used = 0;
    proof->count = 0;
    if (trie->count == 0) {
        codec_keccak256(proof->root, BYTES_OF(nothing));
        return;
    }
    for (size_t i = 0; i < trie->count; i++)
        list[i] = i;
    codec_keccak256(proof->root, encode(trie, list, trie->count, 0, 0, &along));
    for (size_t level = 0; level < TRIE_LEVELS_MAX; level++)
        if (along.met[level].data && (level == 0 || along.met[level].len >= 32))
            proof->nodes[proof->count++] = along.met[level];
}

struct bytes trie_string(uint8_t *out, size_t cap, struct bytes value)
{
    struct codec_writer writer;
    codec_writer_init(&writer, out, cap);
    codec_rlp_write_string(&writer, value);
    assert(!writer.failed);
    return codec_writer_bytes(&writer);
}

struct bytes trie_short(uint8_t *out, size_t cap, const char *nibbles, int leaf, struct bytes item)
{
    struct codec_writer writer;
    uint8_t path[64];
    size_t len = strlen(nibbles);
    for (size_t i = 0; i < len; i++)
        path[i] = (uint8_t)(nibbles[i] <= '9' ? nibbles[i] - '0' : nibbles[i] - 'a' + 10);
    codec_writer_init(&writer, out, cap);
    write_path(&writer, path, len, leaf);
    codec_rlp_write_raw(&writer, item);
    codec_rlp_list_end(&writer, 0);
    assert(!writer.failed);
    return codec_writer_bytes(&writer);
}

struct bytes trie_branch(uint8_t *out, size_t cap, const struct bytes items[17])
{
    static const uint8_t nothing[1] = {0x80};
    struct codec_writer writer;
    codec_writer_init(&writer, out, cap);
    for (size_t i = 0; i < 17; i++)
        codec_rlp_write_raw(&writer, items[i].len > 0 ? items[i] : BYTES_OF(nothing));
    codec_rlp_list_end(&writer, 0);
    assert(!writer.failed);
    return codec_writer_bytes(&writer);
}
