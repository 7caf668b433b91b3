/*
 * The root of a whole trie from its sorted entries. Nothing is stored but one branch a level: the entries below a branch are a
 * range of the sorted source, so the trie is built by splitting ranges. Leaves, which are most of the bytes of a receipts
 * trie, are needed in the order of the entries, and where a leaf begins only its neighbours decide: so a window of them is
 * hashed side by side, whatever branches they belong to.
 */
#include <string.h>

#include "proofs/codec/keccak.h"
#include "proofs/codec/rlp.h"
#include "proofs/mpt.h"

/* List header, hex prefix string with its header, value header. */
#define LEAF_HEAD_MAX   (9 + 2 + PROOF_MPT_KEY_MAX + 1 + 9)
#define BRANCH_HEAD_MAX (9 + 16 * 33 + 9)

/* How a parent names a child: 0xa0 and a hash, the embedded node, or 0x80 for none. */
struct reference {
    uint8_t len;
    uint8_t rlp[33];
};

/* Keeps the buffers of a helper out of the frame of the recursive function. */
#define OWN_FRAME __attribute__((noinline))

/* Leaves that are hashed side by side: enough to keep all lanes busy in spite of their different lengths. */
#define WINDOW 64

struct builder {
    const struct proof_mpt_source *source;
    size_t from; /* the leaves of entries [from, to) are in leaves */
    size_t to;
    struct reference leaves[WINDOW];
};

/* The entries [from, to), which share their first `depth` nibbles. */
struct range {
    size_t from;
    size_t to;
    size_t depth;
};

static void entry_at(struct proof_mpt_entry *out, uint8_t scratch[PROOF_MPT_KEY_MAX],
                     const struct proof_mpt_source *source, size_t index)
{
    source->at(out, scratch, source->context, index);
}

static unsigned nibble_at(struct bytes key, size_t index)
{
    uint8_t byte = key.data[index / 2];
    return index % 2 == 0 ? byte >> 4 : byte & 15;
}

static void write_hex_prefix(struct codec_writer *writer, struct bytes key, size_t from, size_t to, bool leaf)
{
    uint8_t path[PROOF_MPT_KEY_MAX + 1] = {0};
    bool odd = (to - from) % 2 != 0;
    size_t at = odd ? 1 : 2;
    path[0] = (uint8_t)((leaf ? 0x20 : 0) | (odd ? 0x10 : 0));
    for (size_t i = from; i < to; i++, at++)
        path[at / 2] |= (uint8_t)(nibble_at(key, i) << (at % 2 == 0 ? 4 : 0));
    codec_rlp_write_string(writer, (struct bytes){path, at / 2});
}

static void write_value_header(struct codec_writer *writer, struct bytes value)
{
    if (value.len != 1 || value.data[0] >= 0x80)
        codec_rlp_write_string_header(writer, value.len);
}

/* Puts the list header in front of items that `body` more bytes will follow. */
static void write_list(struct codec_writer *writer, struct bytes items, size_t body)
{
    codec_rlp_write_list_header(writer, items.len + body);
    codec_write_bytes(writer, items);
}

static void set_hash(struct reference *out)
{
    out->len = 33;
    out->rlp[0] = 0xa0;
}

/* A node head || body, as its parent names it. */
static void set_reference(struct reference *out, struct bytes head, struct bytes body)
{
    if (head.len + body.len < 32) {
        struct codec_writer writer;
        codec_writer_init(&writer, out->rlp, sizeof out->rlp);
        codec_write_bytes(&writer, head);
        codec_write_bytes(&writer, body);
        out->len = (uint8_t)writer.len;
        return;
    }
    set_hash(out);
    codec_keccak256_jobs(&(struct codec_keccak_job){.out = out->rlp + 1, .head = head, .body = body}, 1);
}

/* Writes all of a leaf but its value to head; returns the length. */
static size_t make_leaf_head(uint8_t head[LEAF_HEAD_MAX], struct proof_mpt_entry entry, size_t depth)
{
    uint8_t buffer[LEAF_HEAD_MAX];
    struct codec_writer items;
    struct codec_writer writer;
    codec_writer_init(&items, buffer, sizeof buffer);
    write_hex_prefix(&items, entry.key, depth, 2 * entry.key.len, true);
    write_value_header(&items, entry.value);
    codec_writer_init(&writer, head, LEAF_HEAD_MAX);
    write_list(&writer, codec_writer_bytes(&items), entry.value.len);
    return writer.len;
}

/* How many nibbles the first and the last key share: as many as all keys between them do. */
static size_t shared_nibbles(struct bytes a, struct bytes b, size_t from)
{
    size_t most = 2 * (a.len < b.len ? a.len : b.len);
    while (from < most && nibble_at(a, from) == nibble_at(b, from))
        from++;
    return from;
}

/* Where the branch above an entry stands: behind all that its key shares with a neighbour. Two entries or more. */
static size_t branch_depth(const struct proof_mpt_source *source, size_t index, struct bytes key)
{
    uint8_t scratch[PROOF_MPT_KEY_MAX];
    struct proof_mpt_entry other;
    size_t depth = 0;
    if (index > 0) {
        entry_at(&other, scratch, source, index - 1);
        depth = shared_nibbles(other.key, key, 0);
    }
    if (index + 1 < source->count) {
        entry_at(&other, scratch, source, index + 1);
        size_t after = shared_nibbles(key, other.key, 0);
        depth = after > depth ? after : depth;
    }
    return depth;
}

/* The longest first: what is left for the last rounds is short then, and few lanes idle. */
static void sort_jobs(struct codec_keccak_job *jobs, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        struct codec_keccak_job job = jobs[i];
        size_t at = i;
        for (; at > 0 && jobs[at - 1].body.len < job.body.len; at--)
            jobs[at] = jobs[at - 1];
        jobs[at] = job;
    }
}

/* Makes the leaves of entries [from, from + WINDOW). An entry that is a branch's value has none. */
OWN_FRAME static void fill_window(struct builder *builder, size_t from)
{
    uint8_t heads[WINDOW][LEAF_HEAD_MAX];
    struct codec_keccak_job jobs[WINDOW];
    size_t left = builder->source->count - from;
    size_t count = 0;
    builder->from = from;
    builder->to = from + (left < WINDOW ? left : WINDOW);
    for (size_t i = from; i < builder->to; i++) {
        uint8_t scratch[PROOF_MPT_KEY_MAX];
        struct proof_mpt_entry entry;
        struct reference *leaf = &builder->leaves[i - from];
        entry_at(&entry, scratch, builder->source, i);
        size_t depth = branch_depth(builder->source, i, entry.key);
        if (depth == 2 * entry.key.len)
            continue;
        struct bytes head = {heads[count], make_leaf_head(heads[count], entry, depth + 1)};
        if (head.len + entry.value.len < 32) {
            set_reference(leaf, head, entry.value);
            continue;
        }
        set_hash(leaf);
        jobs[count++] = (struct codec_keccak_job){.out = leaf->rlp + 1, .head = head, .body = entry.value};
    }
    sort_jobs(jobs, count);
    codec_keccak256_jobs(jobs, count);
}

/* The leaf of an entry; asked for in ascending order. */
static const struct reference *leaf_of(struct builder *builder, size_t index)
{
    if (index >= builder->to)
        fill_window(builder, index);
    return &builder->leaves[index - builder->from];
}

OWN_FRAME static void finish_branch(struct reference *out, const struct reference children[16], struct bytes value)
{
    uint8_t buffer[BRANCH_HEAD_MAX];
    uint8_t head[BRANCH_HEAD_MAX];
    struct codec_writer items;
    struct codec_writer writer;
    codec_writer_init(&items, buffer, sizeof buffer);
    for (size_t i = 0; i < 16; i++)
        codec_write_bytes(&items, (struct bytes){children[i].rlp, children[i].len});
    write_value_header(&items, value);
    codec_writer_init(&writer, head, sizeof head);
    write_list(&writer, codec_writer_bytes(&items), value.len);
    set_reference(out, codec_writer_bytes(&writer), value);
}

OWN_FRAME static void finish_extension(struct reference *out, struct bytes key, size_t from, size_t to)
{
    uint8_t buffer[LEAF_HEAD_MAX + 33];
    uint8_t head[LEAF_HEAD_MAX + 33];
    struct codec_writer items;
    struct codec_writer writer;
    codec_writer_init(&items, buffer, sizeof buffer);
    write_hex_prefix(&items, key, from, to, false);
    codec_write_bytes(&items, (struct bytes){out->rlp, out->len});
    codec_writer_init(&writer, head, sizeof head);
    write_list(&writer, codec_writer_bytes(&items), 0);
    set_reference(out, codec_writer_bytes(&writer), (struct bytes){NULL, 0});
}

/* Where the children of a branch begin in its range: child i is [start[i], start[i + 1]). */
static void split(size_t start[17], const struct proof_mpt_source *source, const struct range *range, size_t first)
{
    size_t child = 0;
    for (size_t i = first; i < range->to; i++) {
        uint8_t scratch[PROOF_MPT_KEY_MAX];
        struct proof_mpt_entry entry;
        entry_at(&entry, scratch, source, i);
        unsigned nibble = nibble_at(entry.key, range->depth);
        while (child <= nibble)
            start[child++] = i;
    }
    while (child <= 16)
        start[child++] = range->to;
}

/* Two entries or more. Recursion goes one or more nibbles deeper each time, so at most 2 * PROOF_MPT_KEY_MAX times. */
static void build_range(struct reference *out, struct builder *builder, struct range range)
{
    uint8_t scratch[2][PROOF_MPT_KEY_MAX];
    struct proof_mpt_entry first;
    struct proof_mpt_entry last;
    struct reference children[16];
    size_t start[17];
    struct bytes value = {NULL, 0};
    size_t from = range.depth;
    entry_at(&first, scratch[0], builder->source, range.from);
    entry_at(&last, scratch[1], builder->source, range.to - 1);
    range.depth = shared_nibbles(first.key, last.key, from);

    bool at_branch = 2 * first.key.len == range.depth;
    if (at_branch)
        value = first.value;
    split(start, builder->source, &range, at_branch ? range.from + 1 : range.from);
    for (size_t i = 0; i < 16; i++) {
        children[i] = (struct reference){.len = 1, .rlp = {0x80}};
        if (start[i + 1] - start[i] > 1)
            build_range(&children[i], builder, (struct range){start[i], start[i + 1], range.depth + 1});
        else if (start[i + 1] - start[i] == 1)
            children[i] = *leaf_of(builder, start[i]);
    }
    finish_branch(out, children, value);
    if (range.depth > from) {
        entry_at(&first, scratch[0], builder->source, range.from);
        finish_extension(out, first.key, from, range.depth);
    }
}

/* Every key of a good size and above the one before, every value there. */
static enum proof_reason check_entries(size_t *at, const struct proof_mpt_source *source)
{
    uint8_t scratch[PROOF_MPT_KEY_MAX];
    uint8_t before[PROOF_MPT_KEY_MAX];
    size_t before_len = 0;
    for (*at = 0; *at < source->count; ++*at) {
        struct proof_mpt_entry entry;
        entry_at(&entry, scratch, source, *at);
        if (entry.key.len == 0 || entry.key.len > PROOF_MPT_KEY_MAX)
            return PROOF_REASON_MPT_KEY_SIZE;
        if (entry.value.len == 0)
            return PROOF_REASON_MPT_EMPTY_VALUE;
        size_t shorter = before_len < entry.key.len ? before_len : entry.key.len;
        int order = memcmp(before, entry.key.data, shorter);
        if (*at > 0 && (order > 0 || (order == 0 && before_len >= entry.key.len)))
            return PROOF_REASON_MPT_KEYS_UNSORTED;
        memcpy(before, entry.key.data, entry.key.len);
        before_len = entry.key.len;
    }
    return PROOF_REASON_VALID;
}

/* The root is named by its hash, however short it is. */
static void hash_root(uint8_t root[32], const struct reference *reference)
{
    if (reference->len == 33)
        memcpy(root, reference->rlp + 1, 32);
    else
        codec_keccak256(root, (struct bytes){reference->rlp, reference->len});
}

enum proof_verdict proof_mpt_root(struct proof_result *result, uint8_t root[32], const struct proof_mpt_source *source)
{
    struct reference top = {.len = 1, .rlp = {0x80}};
    size_t at;
    memset(root, 0, 32);
    enum proof_reason reason = check_entries(&at, source);
    if (reason != PROOF_REASON_VALID)
        return proof_refuse(result, reason, at);
    if (source->count == 1) {
        uint8_t scratch[PROOF_MPT_KEY_MAX];
        uint8_t head[LEAF_HEAD_MAX];
        struct proof_mpt_entry entry;
        entry_at(&entry, scratch, source, 0);
        set_reference(&top, (struct bytes){head, make_leaf_head(head, entry, 0)}, entry.value);
    } else if (source->count > 1) {
        struct builder builder = {.source = source};
        build_range(&top, &builder, (struct range){.to = source->count});
    }
    hash_root(root, &top);
    proof_accept(result);
    return PROOF_VALID;
}
