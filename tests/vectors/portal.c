/*
 * Portal-network content (portal-spec-tests): SSZ around block headers, receipts, bodies, and trie nodes with their proofs.
 * The first byte of content_key says what it is.
 */
#include <stdio.h>
#include <string.h>

#include "proofs/codec/keccak.h"
#include "proofs/codec/rlp.h"
#include "proofs/eth_header.h"
#include "proofs/eth_receipt.h"
#include "proofs/mpt.h"
#include "tests/vectors/vectors.h"

#define HEADERS_MAX 256
#define NODES_MAX   PROOF_MPT_NODES_MAX

/* Headers that were verified in this folder, for what comes after them. */
struct headers {
    struct proof_eth_header_fact fact[HEADERS_MAX];
    size_t count;
};

static uint32_t read_u32_le(struct bytes in, size_t at)
{
    if (in.len < 4 || at > in.len - 4)
        return UINT32_MAX;
    return (uint32_t)in.data[at] | (uint32_t)in.data[at + 1] << 8 | (uint32_t)in.data[at + 2] << 16 |
           (uint32_t)in.data[at + 3] << 24;
}

/* Variable part number i of n in an SSZ container with `fixed` bytes before the first part, and the parts' offsets at `at`. */
static struct bytes ssz_part(struct bytes in, size_t fixed, size_t at, size_t i, size_t n)
{
    size_t from = read_u32_le(in, at + 4 * i);
    size_t to = i + 1 < n ? read_u32_le(in, at + 4 * (i + 1)) : in.len;
    return read_u32_le(in, at) == fixed && from <= to ? codec_bytes_slice(in, from, to - from)
                                                      : (struct bytes){NULL, 0};
}

/* An SSZ list of byte lists: the first offset tells how many. */
static const struct bytes *ssz_list(size_t *count, struct tools_json_doc *doc, struct bytes in)
{
    uint32_t first = read_u32_le(in, 0);
    *count = in.len > 0 && first % 4 == 0 && first <= in.len ? first / 4 : 0;
    struct bytes *list = tools_json_alloc(doc, *count, sizeof *list);
    for (size_t i = 0; i < *count; i++)
        list[i] = ssz_part(in, first, 0, i, *count);
    return list;
}

/* A packed nibble path: first byte 0x00 even, 0x1n odd. Writes at most 64 nibbles and their number; false when it is none. */
static bool read_nibbles(uint8_t nibbles[64], size_t *count, struct bytes path)
{
    *count = 0;
    if (path.len == 0 || path.len > 33 || (path.data[0] != 0 && path.data[0] >> 4 != 1))
        return false;
    if (path.data[0] != 0)
        nibbles[(*count)++] = path.data[0] & 15;
    for (size_t i = 1; i < path.len && *count + 2 <= 64; i++) {
        nibbles[(*count)++] = path.data[i] >> 4;
        nibbles[(*count)++] = path.data[i] & 15;
    }
    return true;
}

static void pack_key(uint8_t key[32], const uint8_t nibbles[64])
{
    for (size_t i = 0; i < 32; i++)
        key[i] = (uint8_t)(nibbles[2 * i] << 4 | nibbles[2 * i + 1]);
}

/* Appends the path of a leaf to nibbles; false when node is none or the key does not get 64 nibbles. */
static bool complete_with_leaf(uint8_t nibbles[64], size_t count, struct bytes node)
{
    struct codec_rlp top;
    codec_rlp_init(&top, node);
    struct codec_rlp list = codec_rlp_read_list(&top);
    struct bytes path = codec_rlp_read_string(&list);
    if (list.failed || path.len == 0 || path.len > 33 || path.data[0] >> 4 < 2 || path.data[0] >> 4 > 3)
        return false;
    size_t from = path.data[0] >> 4 == 3 ? 1 : 2;
    for (size_t i = from; i < 2 * path.len && count < 64; i++)
        nibbles[count++] = i % 2 == 0 ? path.data[i / 2] >> 4 : path.data[i / 2] & 15;
    return count == 64;
}

/* How many nibbles a node consumes on the way to a node below it: a branch one, an extension its path. */
static size_t nibbles_of(struct bytes node)
{
    struct codec_rlp top;
    struct codec_rlp_item item;
    codec_rlp_init(&top, node);
    struct codec_rlp list = codec_rlp_read_list(&top);
    struct codec_rlp_item first = {0};
    size_t count = 0;
    while (codec_rlp_next(&item, &list))
        if (count++ == 0)
            first = item;
    if (count != 2 || first.payload.len == 0)
        return 1;
    return 2 * first.payload.len - (first.payload.data[0] >> 4 == 1 ? 1 : 2);
}

/* The nodes lead from root along the path to the last of them, whose hash is node_hash. A leaf is proven as its key; an inner
 * node by what a strict verifier says of keys below it: the nodes fit, and one more is missing (or nothing is there). */
static bool leads_to(const uint8_t root[32], struct bytes path, const uint8_t node_hash[32], const struct bytes *nodes,
                     size_t count)
{
    uint8_t nibbles[64] = {0};
    uint8_t key[32];
    uint8_t hash[32];
    struct proof_result result;
    struct proof_mpt_fact fact;
    bool continued = false;
    size_t depth;
    if (count == 0 || !read_nibbles(nibbles, &depth, path))
        return false;
    codec_keccak256(hash, nodes[count - 1]);
    if (memcmp(hash, node_hash, 32) != 0)
        return false;
    if (complete_with_leaf(nibbles, depth, nodes[count - 1])) {
        pack_key(key, nibbles);
        return proof_mpt_verify_secure(&result, &fact, root, key, nodes, count) == PROOF_VALID &&
               fact.presence == PROOF_PRESENT;
    }
    size_t consumed = 0;
    for (size_t i = 0; i + 1 < count; i++)
        consumed += nibbles_of(nodes[i]);
    if (consumed != depth)
        return false;
    for (uint8_t next = 0; next < 16 && depth < 64; next++) {
        nibbles[depth] = next;
        pack_key(key, nibbles);
        enum proof_verdict verdict = proof_mpt_verify_secure(&result, &fact, root, key, nodes, count);
        bool missing = verdict != PROOF_VALID && result.reason == PROOF_REASON_MPT_NODE_MISSING;
        if (!missing && (verdict != PROOF_VALID || fact.presence != PROOF_ABSENT))
            return false;
        continued = continued || missing;
    }
    return continued;
}

static bool read_account(uint8_t storage_root[32], uint8_t code_hash[32], const uint8_t state_root[32],
                         const uint8_t address_hash[32], const struct bytes *nodes, size_t count)
{
    struct proof_result result;
    struct proof_mpt_fact fact;
    struct codec_rlp top;
    if (proof_mpt_verify_secure(&result, &fact, state_root, address_hash, nodes, count) != PROOF_VALID)
        return false;
    codec_rlp_init(&top, fact.value);
    struct codec_rlp list = codec_rlp_read_list(&top);
    codec_rlp_read_string(&list);
    codec_rlp_read_string(&list);
    codec_rlp_read_fixed(storage_root, &list, 32);
    codec_rlp_read_fixed(code_hash, &list, 32);
    return codec_rlp_end(&list);
}

/* What content_value_retrieval holds is the last node (or the code) itself. */
static bool retrieval_is(struct bytes retrieval, struct bytes expected)
{
    return retrieval.len == 0 || codec_bytes_equal(ssz_part(retrieval, 4, 0, 0, 1), expected);
}

/* Selector 0x20: key = offset, node hash, path; value = offset, block hash, nodes. */
static bool check_account_node(struct tools_json_doc *doc, const struct eth_header *header, struct bytes key,
                               struct bytes offer, struct bytes retrieval)
{
    size_t count;
    const struct bytes *nodes = ssz_list(&count, doc, ssz_part(offer, 36, 0, 0, 1));
    struct bytes hash = codec_bytes_slice(key, 4, 32);
    return count > 0 && hash.len == 32 &&
           leads_to(header->state_root, ssz_part(key, 36, 0, 0, 1), hash.data, nodes, count) &&
           retrieval_is(retrieval, nodes[count - 1]);
}

/* Selector 0x21: key = address hash, offset, node hash, path; value = offsets of both proofs, block hash. */
static bool check_storage_node(struct tools_json_doc *doc, const struct eth_header *header, struct bytes key,
                               struct bytes offer, struct bytes retrieval)
{
    size_t slots;
    size_t accounts;
    uint8_t storage_root[32];
    uint8_t code_hash[32];
    const struct bytes *slot_nodes = ssz_list(&slots, doc, ssz_part(offer, 40, 0, 0, 2));
    const struct bytes *account_nodes = ssz_list(&accounts, doc, ssz_part(offer, 40, 0, 1, 2));
    struct bytes address = codec_bytes_slice(key, 0, 32);
    struct bytes hash = codec_bytes_slice(key, 36, 32);
    return slots > 0 && address.len == 32 && hash.len == 32 &&
           read_account(storage_root, code_hash, header->state_root, address.data, account_nodes, accounts) &&
           leads_to(storage_root, ssz_part(key, 68, 32, 0, 1), hash.data, slot_nodes, slots) &&
           retrieval_is(retrieval, slot_nodes[slots - 1]);
}

/* Selector 0x22: key = address hash, code hash; value = offsets of code and account proof, block hash. */
static bool check_code(struct tools_json_doc *doc, const struct eth_header *header, struct bytes key,
                       struct bytes offer, struct bytes retrieval)
{
    size_t accounts;
    uint8_t storage_root[32];
    uint8_t code_hash[32];
    uint8_t hash[32];
    struct bytes code = ssz_part(offer, 40, 0, 0, 2);
    const struct bytes *account_nodes = ssz_list(&accounts, doc, ssz_part(offer, 40, 0, 1, 2));
    if (key.len != 64 || !read_account(storage_root, code_hash, header->state_root, key.data, account_nodes, accounts))
        return false;
    codec_keccak256(hash, code);
    return memcmp(hash, code_hash, 32) == 0 && memcmp(hash, key.data + 32, 32) == 0 && retrieval_is(retrieval, code);
}

/* One entry of state content: every byte of it is bound by the proof, so that any flipped bit must show. */
struct state_content {
    struct tools_json_doc *doc;
    struct bytes header;
    struct bytes key;
    struct bytes offer;
    struct bytes retrieval; /* empty when the file has none */
};

static bool state_is_proven(const void *context)
{
    const struct state_content *content = context;
    struct proof_eth_header_fact header;
    struct proof_result result;
    uint8_t selector = content->key.data[0];
    struct bytes key = codec_bytes_slice(content->key, 1, content->key.len - 1);
    struct bytes hash = codec_bytes_slice(content->offer, selector == 0x20 ? 4 : 8, 32);
    if (hash.len != 32 || proof_eth_header_verify(&result, &header, hash.data, content->header) != PROOF_VALID)
        return false;
    if (selector == 0x20)
        return check_account_node(content->doc, &header.header, key, content->offer, content->retrieval);
    if (selector == 0x21)
        return check_storage_node(content->doc, &header.header, key, content->offer, content->retrieval);
    return selector == 0x22 && check_code(content->doc, &header.header, key, content->offer, content->retrieval);
}

static void check_state(struct vectors *run, const struct tools_json *entry, struct bytes content_key)
{
    struct tools_json_doc *doc = run->file->doc;
    struct state_content content = {.doc = doc, .key = content_key};
    const struct tools_json *retrieved = tools_json_get(entry, "content_value_retrieval");
    content.header = tools_json_hex(doc, tools_json_get(entry, "block_header"), "block_header");
    content.offer = tools_json_hex(doc, tools_json_get(entry, "content_value_offer"), "content_value_offer");
    if (retrieved)
        content.retrieval = tools_json_hex(doc, retrieved, "content_value_retrieval");
    vectors_check(run, state_is_proven(&content), "trie content", "is not proven (selector 0x%02x)",
                  content_key.data[0]);
    vectors_mutate(run, "block_header, a bit flipped", content.header, 1, state_is_proven, &content);
    vectors_mutate(run, "content_key, a bit flipped", content.key, 1, state_is_proven, &content);
    vectors_mutate(run, "content_value_offer, a bit flipped", content.offer, 1, state_is_proven, &content);
    vectors_mutate(run, "content_value_retrieval, a bit flipped", content.retrieval, 1, state_is_proven, &content);
}

static const struct eth_header *find_header(const struct headers *headers, struct bytes hash)
{
    for (size_t i = 0; i < headers->count; i++)
        if (codec_bytes_equal(BYTES_OF(headers->fact[i].hash), hash))
            return &headers->fact[i].header;
    return NULL;
}

/* Selector 0x00: the header, and its proof of age, which is of another family. */
static void check_header(struct vectors *run, struct headers *headers, struct bytes hash, struct bytes value)
{
    struct proof_result result = {0};
    struct proof_eth_header_fact fact;
    bool valid = hash.len == 32 &&
                 proof_eth_header_verify(&result, &fact, hash.data, ssz_part(value, 8, 0, 0, 2)) == PROOF_VALID;
    vectors_check(run, valid, "header", "%s", proof_reason_text(result.reason));
    if (valid && headers->count < HEADERS_MAX)
        headers->fact[headers->count++] = fact;
}

/* Selector 0x01: transactions and ommers. 0x02: receipts. Both need the header from beside them. */
static void check_body(struct vectors *run, const struct eth_header *header, struct bytes value)
{
    size_t count;
    uint8_t root[32];
    uint8_t ommers[32];
    size_t parts = read_u32_le(value, 0) == 12 ? 3 : 2;
    const struct bytes *txs = ssz_list(&count, run->file->doc, ssz_part(value, 4 * parts, 0, 0, parts));
    bool same = vectors_list_root(root, txs, count) && memcmp(root, header->transactions_root, 32) == 0;
    codec_keccak256(ommers, ssz_part(value, 4 * parts, 0, 1, parts));
    vectors_check(run, same, "transactions root", "another root");
    vectors_check(run, memcmp(ommers, header->ommers_hash, 32) == 0, "ommers", "another hash");
}

static void check_receipts(struct vectors *run, const struct eth_header *header, struct bytes value)
{
    size_t count;
    struct proof_result result;
    struct proof_eth_receipts_fact fact;
    const struct bytes *receipts = ssz_list(&count, run->file->doc, value);
    enum proof_verdict verdict = proof_eth_receipts_verify(&result, &fact, header->receipts_root, receipts, count);
    vectors_check(run, verdict == PROOF_VALID, "receipts root", "%s at %zu", proof_reason_text(result.reason),
                  result.at);
    if (count > 1) {
        verdict = proof_eth_receipts_verify(&result, &fact, header->receipts_root, receipts, count - 1);
        vectors_check(run, verdict != PROOF_VALID, "receipts without the last", "were accepted");
    }
}

/* One entry in this pass: headers first, then the rest. */
static void check_entry(struct vectors *run, struct headers *headers, const struct tools_json *entry, bool headers_only)
{
    struct tools_json_doc *doc = run->file->doc;
    struct bytes key = tools_json_hex(doc, tools_json_get(entry, "content_key"), "content_key");
    if (key.len < 2 || (key.data[0] == 0) != headers_only)
        return;
    if (key.data[0] >= 0x20 && key.data[0] <= 0x22) {
        check_state(run, entry, key);
        return;
    }
    struct bytes value = tools_json_hex(doc, tools_json_get(entry, "content_value"), "content_value");
    struct bytes hash = codec_bytes_slice(key, 1, 32);
    if (key.data[0] == 0) {
        check_header(run, headers, hash, value);
        return;
    }
    const struct eth_header *header = find_header(headers, hash);
    bool usable = header && (key.data[0] == 1 || key.data[0] == 2);
    vectors_check(run, usable, "content", "selector 0x%02x: unknown, or its header is not beside it", key.data[0]);
    if (usable && key.data[0] == 1)
        check_body(run, header, value);
    if (usable && key.data[0] == 2)
        check_receipts(run, header, value);
}

void vectors_portal_folder(struct vectors *run, struct vectors_file *files, size_t count)
{
    static struct headers headers;
    headers.count = 0;
    for (int pass = 0; pass < 2; pass++) {
        for (size_t i = 0; i < count; i++) {
            const struct tools_json *root = tools_json_root(files[i].doc);
            bool content = tools_json_get(tools_json_at(root, 0), "content_key") != NULL;
            if (!content)
                continue;
            run->file = &files[i];
            files[i].recognised = true;
            for (size_t k = 0; k < tools_json_count(root); k++)
                check_entry(run, &headers, tools_json_at(root, k), pass == 0);
        }
    }
}
