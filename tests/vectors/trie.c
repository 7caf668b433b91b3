/*
 * ethereum/tests TrieTests: entries put in and taken out, and the root that remains. Also the proofs made from them.
 */
#include <stdlib.h>
#include <string.h>

#include "proofs/codec/eth.h"
#include "proofs/codec/keccak.h"
#include "proofs/mpt.h"
#include "tests/vectors/vectors.h"

static int compare_entries(const void *a, const void *b)
{
    struct bytes x = ((const struct proof_mpt_entry *)a)->key;
    struct bytes y = ((const struct proof_mpt_entry *)b)->key;
    int order = memcmp(x.data, y.data, x.len < y.len ? x.len : y.len);
    return order != 0 ? order : (x.len > y.len) - (x.len < y.len);
}

static void entry_at(struct proof_mpt_entry *out, uint8_t scratch[PROOF_MPT_KEY_MAX], const void *context, size_t index)
{
    (void)scratch;
    *out = ((const struct proof_mpt_entry *)context)[index];
}

bool vectors_trie_root(uint8_t root[32], struct proof_mpt_entry *entries, size_t count)
{
    struct proof_result result;
    struct proof_mpt_source source = {entry_at, entries, count};
    if (count > 0)
        qsort(entries, count, sizeof *entries, compare_entries);
    return proof_mpt_root(&result, root, &source) == PROOF_VALID;
}

bool vectors_list_root(uint8_t root[32], const struct bytes *values, size_t count)
{
    struct proof_mpt_entry *entries = calloc(count + 1, sizeof *entries);
    uint8_t(*keys)[9] = calloc(count + 1, sizeof *keys);
    for (size_t i = 0; i < count; i++)
        entries[i] = (struct proof_mpt_entry){{keys[i], codec_eth_index_key(keys[i], i)}, values[i]};
    bool built = vectors_trie_root(root, entries, count);
    free(keys);
    free(entries);
    return built;
}

/* "0x" texts are hexadecimal, others are taken as they are. */
static struct bytes read_bytes(struct tools_json_doc *doc, const struct tools_json *node)
{
    if (tools_json_kind(node) == TOOLS_JSON_NONE)
        return (struct bytes){NULL, 0};
    struct bytes text = tools_json_text(doc, node, "in");
    bool hex = text.len >= 2 && memcmp(text.data, "0x", 2) == 0;
    return hex ? tools_json_hex(doc, node, "in") : text;
}

static struct bytes read_key(struct tools_json_doc *doc, const char *text)
{
    struct tools_json *holder = tools_json_new_object();
    tools_json_set_text(holder, "key", text);
    struct bytes key = read_bytes(doc, tools_json_get(holder, "key"));
    uint8_t *kept = tools_json_alloc(doc, key.len, 1);
    if (key.len > 0)
        memcpy(kept, key.data, key.len);
    tools_json_free(holder);
    return (struct bytes){kept, key.len};
}

/* Puts, replaces or (empty value) takes out. */
static void apply(struct proof_mpt_entry *entries, size_t *count, struct proof_mpt_entry entry)
{
    size_t i = 0;
    while (i < *count && !codec_bytes_equal(entries[i].key, entry.key))
        i++;
    if (entry.value.len > 0) {
        entries[i] = entry;
        *count += i == *count ? 1 : 0;
    } else if (i < *count) {
        entries[i] = entries[--*count];
    }
}

static struct bytes secured(struct tools_json_doc *doc, struct bytes key, bool secure)
{
    if (!secure)
        return key;
    uint8_t *hash = tools_json_alloc(doc, 1, 32);
    codec_keccak256(hash, key);
    return (struct bytes){hash, 32};
}

static size_t read_entries(struct proof_mpt_entry *entries, struct tools_json_doc *doc, const struct tools_json *in,
                           bool secure)
{
    size_t count = 0;
    if (tools_json_kind(in) == TOOLS_JSON_ARRAY) {
        for (size_t i = 0; i < tools_json_count(in); i++) {
            const struct tools_json *pair = tools_json_at(in, i);
            struct bytes key = secured(doc, read_bytes(doc, tools_json_at(pair, 0)), secure);
            apply(entries, &count, (struct proof_mpt_entry){key, read_bytes(doc, tools_json_at(pair, 1))});
        }
        return count;
    }
    for (void *i = tools_json_first(in); i; i = tools_json_next(in, i)) {
        struct bytes key = secured(doc, read_key(doc, tools_json_key(i)), secure);
        apply(entries, &count, (struct proof_mpt_entry){key, read_bytes(doc, tools_json_value(i))});
    }
    return count;
}

static bool is_trie_case(const struct tools_json *node)
{
    return tools_json_get(node, "in") && tools_json_kind(tools_json_get(node, "root")) == TOOLS_JSON_TEXT;
}

bool vectors_try_trie(struct vectors *run, struct vectors_file *file)
{
    const struct tools_json *root = tools_json_root(file->doc);
    void *first = tools_json_first(root);
    if (!first || !is_trie_case(tools_json_value(first)))
        return false;
    bool secure = strstr(file->path, "secure") || strstr(file->path, "Secure");
    for (void *i = first; i; i = tools_json_next(root, i)) {
        const struct tools_json *in = tools_json_get(tools_json_value(i), "in");
        struct proof_mpt_entry *entries = tools_json_alloc(file->doc, tools_json_count(in) + 1, sizeof *entries);
        uint8_t expected[32];
        uint8_t got[32];
        size_t count = read_entries(entries, file->doc, in, secure);
        tools_json_hex_exact(expected, 32, file->doc, tools_json_get(tools_json_value(i), "root"), "root");
        bool built = vectors_trie_root(got, entries, count);
        vectors_check(run, built && memcmp(got, expected, 32) == 0, tools_json_key(i), "another root");
    }
    return true;
}

static bool states(struct tools_json_doc *doc, const struct proof_mpt_fact *fact, const struct tools_json *stated)
{
    if (tools_json_kind(stated) == TOOLS_JSON_NONE)
        return fact->presence == PROOF_ABSENT;
    return fact->presence == PROOF_PRESENT && codec_bytes_equal(fact->value, tools_json_hex(doc, stated, "value"));
}

/* PROOF_VALID and the stated value, or the stated absence; where all keys are hashes, by the stricter verifier too. */
static bool is_proven(struct tools_json_doc *doc, const struct tools_json *c, bool secure, const char **reason)
{
    uint8_t root[32];
    size_t count;
    struct proof_result result;
    struct proof_mpt_fact fact;
    tools_json_hex_exact(root, 32, doc, tools_json_get(c, "root"), "root");
    struct bytes key = tools_json_hex(doc, tools_json_get(c, "key"), "key");
    const struct bytes *nodes = tools_json_hex_list(&count, doc, tools_json_get(c, "proof"), "proof");
    const struct tools_json *stated = tools_json_get(c, "value");
    bool proven =
        proof_mpt_verify(&result, &fact, root, key, nodes, count) == PROOF_VALID && states(doc, &fact, stated);
    *reason = proof_reason_text(result.reason);
    if (!proven || !secure || key.len != 32)
        return proven;
    proven = proof_mpt_verify_secure(&result, &fact, root, key.data, nodes, count) == PROOF_VALID;
    *reason = proof_reason_text(result.reason);
    return proven && states(doc, &fact, stated);
}

/* A proof of the file, for showing it again with a bit flipped. */
struct shown {
    uint8_t root[32];
    struct bytes key;
    const struct bytes *nodes;
    size_t count;
};

static bool is_accepted(const void *context)
{
    const struct shown *shown = context;
    struct proof_result result;
    struct proof_mpt_fact fact;
    return proof_mpt_verify(&result, &fact, shown->root, shown->key, shown->nodes, shown->count) == PROOF_VALID;
}

static void mutate(struct vectors *run, struct tools_json_doc *doc, const struct tools_json *c, const char *id)
{
    struct shown shown;
    if (!run->mutate)
        return;
    tools_json_hex_exact(shown.root, 32, doc, tools_json_get(c, "root"), "root");
    shown.key = tools_json_hex(doc, tools_json_get(c, "key"), "key");
    shown.nodes = tools_json_hex_list(&shown.count, doc, tools_json_get(c, "proof"), "proof");
    for (size_t i = 0; i < shown.count; i++)
        vectors_mutate(run, id, shown.nodes[i], 1, is_accepted, &shown);
    vectors_mutate(run, id, BYTES_OF(shown.root), 1, is_accepted, &shown);
}

bool vectors_try_proofs(struct vectors *run, struct vectors_file *file)
{
    const struct tools_json *cases = tools_json_get(tools_json_root(file->doc), "cases");
    if (!tools_json_get(tools_json_at(cases, 0), "proof") || !tools_json_get(tools_json_at(cases, 0), "expected"))
        return false;
    for (size_t i = 0; i < tools_json_count(cases); i++) {
        const struct tools_json *c = tools_json_at(cases, i);
        const char *reason;
        struct bytes id = tools_json_text(file->doc, tools_json_get(c, "id"), "id");
        struct bytes expected = tools_json_text(file->doc, tools_json_get(c, "expected"), "expected");
        bool secure = id.data && (strstr((const char *)id.data, "secure") || strstr((const char *)id.data, "getProof"));
        bool proven = is_proven(file->doc, c, secure, &reason);
        bool as_stated = expected.data && proven == (strcmp((const char *)expected.data, "valid") == 0);
        vectors_check(run, as_stated, id.data ? (const char *)id.data : "?", "expected %s, %s (%s)",
                      expected.data ? (const char *)expected.data : "?", proven ? "proven" : "refused", reason);
        if (proven)
            mutate(run, file->doc, c, id.data ? (const char *)id.data : "?");
    }
    return true;
}
