/*
 * ICS-23: proofs of cosmos/ics23's test data (a folder a tree, tables of single ops, what was derived from them to be refused, batches that
 * upstream removed), store proofs of a Cosmos chain, and transactions with their proofs.
 */
#include <stdio.h>
#include <string.h>

#include "proofs/cometbft_tx.h"
#include "proofs/cosmos_store.h"
#include "tests/vectors/vectors.h"
#include "tools/verify/cometbft_json.h"
#include "tools/verify/eth_json.h"

/* A question and its proof, for showing them again with a bit flipped. */
struct shown {
    const struct proof_ics23_spec *spec;
    uint8_t root[32];
    struct bytes key;
    struct bytes value;
    struct bytes proof;
    enum proof_presence presence;
    /* of a multistore */
    struct bytes store;
    struct bytes store_proof;
};

static bool is_accepted(const void *context)
{
    const struct shown *shown = context;
    struct proof_result result;
    struct proof_ics23_fact fact;
    return proof_ics23_verify(&result, &fact, shown->spec, shown->root, shown->key, shown->proof) == PROOF_VALID &&
           fact.presence == shown->presence && codec_bytes_equal(fact.value, shown->value);
}

static bool store_is_accepted(const void *context)
{
    const struct shown *shown = context;
    struct proof_result result;
    struct proof_cosmos_fact fact;
    return proof_cosmos_store_verify(&result, &fact, shown->root, shown->store, shown->key, shown->proof,
                                     shown->store_proof) == PROOF_VALID &&
           fact.presence == shown->presence && codec_bytes_equal(fact.value, shown->value);
}

static struct bytes hex_field(struct tools_json_doc *doc, const struct tools_json *object, const char *key)
{
    return tools_json_hex(doc, tools_json_get(object, key), key);
}

/* The tree that a path or name speaks of; NULL when it names none. */
static const struct proof_ics23_spec *spec_of(const char *name)
{
    if (strstr(name, "iavl"))
        return &PROOF_ICS23_IAVL;
    if (strstr(name, "tendermint"))
        return &PROOF_ICS23_TENDERMINT;
    return strstr(name, "smt") ? &PROOF_ICS23_SMT : NULL;
}

static bool read_question(struct shown *out, struct tools_json_doc *doc, const struct tools_json *json)
{
    tools_json_hex_exact(out->root, 32, doc, tools_json_get(json, "root"), "root");
    out->key = hex_field(doc, json, "key");
    out->proof = hex_field(doc, json, "proof");
    if (tools_json_kind(tools_json_get(json, "value")) == TOOLS_JSON_TEXT)
        out->value = hex_field(doc, json, "value");
    out->presence = out->value.len > 0 ? PROOF_PRESENT : PROOF_ABSENT;
    return !tools_json_error(doc);
}

static void read_proof(struct vectors *run, const struct tools_json *json)
{
    struct shown shown = {.spec = spec_of(run->file->path)};
    if (!read_question(&shown, run->file->doc, json) || !shown.spec)
        return;
    vectors_check(run, is_accepted(&shown), "proof", "is refused");
    vectors_mutate(run, "proof, a bit flipped", shown.proof, 1, is_accepted, &shown);
    vectors_mutate(run, "key, a bit flipped", shown.key, 1, is_accepted, &shown);
    vectors_mutate(run, "root, a bit flipped", BYTES_OF(shown.root), 1, is_accepted, &shown);
}

static void read_invalid(struct vectors *run, const struct tools_json *list)
{
    struct tools_json_doc *doc = run->file->doc;
    for (size_t i = 0; i < tools_json_count(list); i++) {
        const struct tools_json *entry = tools_json_at(list, i);
        const struct tools_json *other = tools_json_get(entry, "spec");
        struct shown shown = {0};
        struct bytes name = tools_json_text(doc, other ? other : tools_json_get(entry, "base"), "base");
        struct bytes what = tools_json_text(doc, tools_json_get(entry, "mutation"), "mutation");
        if (!read_question(&shown, doc, entry))
            return;
        shown.spec = spec_of((const char *)name.data);
        /* "presented as non-existence of its own key": without its value it would be believed absent */
        if (strstr((const char *)what.data, "as non-existence"))
            shown.presence = PROOF_ABSENT;
        vectors_check(run, shown.spec && !is_accepted(&shown), (const char *)what.data, "was accepted");
    }
}

/* Batches: whichever of their items is asked for. */
static void read_batch(struct vectors *run, const struct tools_json *json)
{
    const struct tools_json *items = tools_json_get(json, "items");
    for (size_t i = 0; i < tools_json_count(items); i++) {
        const struct tools_json *item = tools_json_at(items, i);
        struct shown shown = {.spec = spec_of(run->file->path)};
        tools_json_hex_exact(shown.root, 32, run->file->doc, tools_json_get(json, "root"), "root");
        shown.proof = hex_field(run->file->doc, json, "proof");
        shown.key = hex_field(run->file->doc, item, "key");
        shown.value = hex_field(run->file->doc, item, "value");
        shown.presence = PROOF_PRESENT;
        vectors_check(run, !is_accepted(&shown), "batch", "was accepted");
    }
}

/* ---- tables of single ops: Go's JSON of the structures ---- */

static uint32_t op_field(struct tools_json_doc *doc, const struct tools_json *object, const char *key)
{
    const struct tools_json *node = tools_json_get(object, key);
    return tools_json_kind(node) == TOOLS_JSON_NONE ? 0 : (uint32_t)tools_json_u64(doc, node, key);
}

static struct bytes data_field(struct tools_json_doc *doc, const struct tools_json *object, const char *key)
{
    return tools_cometbft_base64(doc, tools_json_get(object, key), key);
}

static void read_inner(struct ics23_inner *out, struct tools_json_doc *doc, const struct tools_json *op)
{
    *out =
        (struct ics23_inner){op_field(doc, op, "hash"), data_field(doc, op, "prefix"), data_field(doc, op, "suffix")};
}

static void read_leaf(struct ics23_leaf *out, struct tools_json_doc *doc, const struct tools_json *op)
{
    *out = (struct ics23_leaf){op_field(doc, op, "hash"), op_field(doc, op, "prehash_key"),
                               op_field(doc, op, "prehash_value"), op_field(doc, op, "length"),
                               data_field(doc, op, "prefix")};
}

static void read_existence(struct ics23_existence *out, struct tools_json_doc *doc, const struct tools_json *proof)
{
    const struct tools_json *path = tools_json_get(proof, "path");
    const struct tools_json *leaf = tools_json_get(proof, "leaf");
    out->key = data_field(doc, proof, "key");
    out->value = data_field(doc, proof, "value");
    out->has_leaf = tools_json_kind(leaf) == TOOLS_JSON_OBJECT;
    read_leaf(&out->leaf, doc, leaf);
    for (out->path_len = 0; out->path_len < tools_json_count(path) && out->path_len < ICS23_DEPTH_MAX; out->path_len++)
        read_inner(&out->path[out->path_len], doc, tools_json_at(path, out->path_len));
}

static void check_shape(struct vectors *run, const char *id, const struct tools_json *entry)
{
    struct tools_json_doc *doc = run->file->doc;
    const struct tools_json *spec = tools_json_get(entry, "Spec");
    const struct tools_json *inner = tools_json_get(spec, "inner_spec");
    struct ics23_existence *proof = tools_json_alloc(doc, 1, sizeof *proof);
    struct proof_ics23_spec own = PROOF_ICS23_IAVL;
    size_t at;
    read_existence(proof, doc, tools_json_get(entry, "Proof"));
    read_leaf(&own.leaf, doc, tools_json_get(spec, "leaf_spec"));
    own.inner_hash = op_field(doc, inner, "hash");
    own.child_size = op_field(doc, inner, "child_size");
    own.prefix_min = op_field(doc, inner, "min_prefix_length");
    own.prefix_max = op_field(doc, inner, "max_prefix_length");
    own.depth_min = op_field(doc, spec, "min_depth");
    own.depth_max = op_field(doc, spec, "max_depth");
    bool good = tools_json_text(doc, tools_json_get(entry, "Err"), "Err").len == 0;
    enum proof_reason reason = proof_ics23_shape(&at, &own, proof);
    vectors_check(run, (reason == PROOF_REASON_VALID) == good, id, "%s at %zu", proof_reason_text(reason), at);
}

/* Leaf, then every step, by no spec at all. */
static size_t climb(uint8_t hash[ICS23_HASH_MAX], const struct ics23_existence *proof)
{
    size_t len = proof->has_leaf ? ics23_leaf_hash(hash, &proof->leaf, proof->key, proof->value) : 0;
    for (size_t i = 0; i < proof->path_len && len > 0; i++)
        len = ics23_inner_hash(hash, &proof->path[i], (struct bytes){hash, len});
    return len;
}

static void check_calculation(struct vectors *run, const char *id, const struct tools_json *entry)
{
    struct tools_json_doc *doc = run->file->doc;
    const struct tools_json *op = tools_json_get(entry, "Op");
    uint8_t hash[ICS23_HASH_MAX];
    size_t len;
    if (op) {
        struct ics23_inner inner;
        read_inner(&inner, doc, op);
        len = ics23_inner_hash(hash, &inner, data_field(doc, entry, "Child"));
    } else {
        struct ics23_existence *proof = tools_json_alloc(doc, 1, sizeof *proof);
        read_existence(proof, doc, tools_json_get(entry, "Proof"));
        len = climb(hash, proof);
    }
    bool bad = tools_json_is_true(tools_json_get(entry, "IsErr"));
    struct bytes want = data_field(doc, entry, "Expected");
    vectors_check(run, bad ? len == 0 : codec_bytes_equal(want, (struct bytes){hash, len}), id, "another result");
}

static void check_hash(struct vectors *run, const char *id, const struct tools_json *entry)
{
    struct tools_json_doc *doc = run->file->doc;
    const struct tools_json *text = tools_json_get(entry, "Preimage");
    uint8_t hash[ICS23_HASH_MAX];
    struct bytes in = tools_json_text(doc, text ? text : tools_json_get(entry, "PreImage"), "Preimage");
    size_t len = ics23_hash(hash, op_field(doc, entry, "HashOp"), &in, 1);
    vectors_check(run, codec_bytes_equal(hex_field(doc, entry, "ExpectedHash"), (struct bytes){hash, len}), id,
                  "another hash");
}

typedef void entry_check(struct vectors *run, const char *id, const struct tools_json *entry);

static void check_table(struct vectors *run, const struct tools_json *table, entry_check *check)
{
    for (void *i = tools_json_first(table); i; i = tools_json_next(table, i))
        check(run, tools_json_key(i), tools_json_value(i));
}

/* ---- stores and transactions ---- */

static void read_stores(struct vectors *run, const struct tools_json *list)
{
    struct tools_json_doc *doc = run->file->doc;
    for (size_t i = 0; i < tools_json_count(list); i++) {
        const struct tools_json *entry = tools_json_at(list, i);
        struct shown shown = {.presence = PROOF_ABSENT};
        struct bytes verdict = tools_json_text(doc, tools_json_get(entry, "verdict"), "verdict");
        tools_json_hex_exact(shown.root, 32, doc, tools_json_get(entry, "app_hash"), "app_hash");
        shown.store = tools_json_text(doc, tools_json_get(entry, "store"), "store");
        shown.key = hex_field(doc, entry, "key");
        shown.proof = hex_field(doc, entry, "iavl_proof");
        shown.store_proof = hex_field(doc, entry, "store_proof");
        if (tools_json_is_true(tools_json_get(entry, "exists"))) {
            shown.value = hex_field(doc, entry, "value");
            shown.presence = PROOF_PRESENT;
        }
        if (tools_json_error(doc))
            return;
        bool good = verdict.len == 7 && memcmp(verdict.data, "SUCCESS", 7) == 0;
        vectors_check(run, store_is_accepted(&shown) == good, "store proof", "entry %zu: another verdict", i);
        if (!good)
            continue;
        vectors_mutate(run, "key proof, a bit flipped", shown.proof, 1, store_is_accepted, &shown);
        vectors_mutate(run, "store proof, a bit flipped", shown.store_proof, 1, store_is_accepted, &shown);
        shown.presence = shown.presence == PROOF_PRESENT ? PROOF_ABSENT : PROOF_PRESENT;
        vectors_check(run, !store_is_accepted(&shown), "store proof", "entry %zu proves the contrary, too", i);
    }
}

struct tx {
    uint8_t root[32];
    struct bytes tx;
    int64_t index;
    int64_t total;
    struct bytes leaf;
    const struct bytes *aunts;
    size_t aunts_len;
};

static bool tx_is_accepted(const void *context)
{
    const struct tx *tx = context;
    struct proof_result result;
    struct proof_cometbft_tx_fact fact;
    return proof_cometbft_tx_verify(&result, &fact, tx->root, tx->tx, tx->index, tx->total, tx->leaf, tx->aunts,
                                    tx->aunts_len) == PROOF_VALID;
}

static void check_tx(struct vectors *run, struct tx *tx, bool good)
{
    if (tools_json_error(run->file->doc))
        return;
    vectors_check(run, tx_is_accepted(tx) == good, "transaction", "another verdict");
    if (!good)
        return;
    vectors_mutate(run, "transaction, a bit flipped", tx->tx, 1, tx_is_accepted, tx);
    vectors_mutate(run, "leaf, a bit flipped", tx->leaf, 1, tx_is_accepted, tx);
    for (size_t i = 0; i < tx->aunts_len; i++)
        vectors_mutate(run, "aunt, a bit flipped", tx->aunts[i], 1, tx_is_accepted, tx);
    tx->total++;
    vectors_check(run, !tx_is_accepted(tx), "transaction", "was accepted as one of more");
}

static void read_txs(struct vectors *run, const struct tools_json *list)
{
    struct tools_json_doc *doc = run->file->doc;
    for (size_t i = 0; i < tools_json_count(list); i++) {
        const struct tools_json *entry = tools_json_at(list, i);
        struct tx tx = {0};
        struct bytes verdict = tools_json_text(doc, tools_json_get(entry, "verdict"), "verdict");
        tools_json_hex_exact(tx.root, 32, doc, tools_json_get(entry, "data_hash"), "data_hash");
        tx.tx = hex_field(doc, entry, "tx");
        tx.leaf = hex_field(doc, entry, "leaf_hash");
        tx.index = (int64_t)tools_json_u64(doc, tools_json_get(entry, "index"), "index");
        tx.total = (int64_t)tools_json_u64(doc, tools_json_get(entry, "total"), "total");
        if (tools_json_kind(tools_json_get(entry, "aunts")) == TOOLS_JSON_ARRAY)
            tx.aunts = tools_json_hex_list(&tx.aunts_len, doc, tools_json_get(entry, "aunts"), "aunts");
        check_tx(run, &tx, verdict.len == 7);
    }
}

/* tx_search with prove: hashes in base64. */
static void read_tx_search(struct vectors *run, const struct tools_json *list)
{
    struct tools_json_doc *doc = run->file->doc;
    for (size_t i = 0; i < tools_json_count(list); i++) {
        const struct tools_json *answer = tools_json_get(tools_json_at(list, i), "proof");
        const struct tools_json *proof = tools_json_get(answer, "proof");
        const struct tools_json *aunts = tools_json_get(proof, "aunts");
        struct tx tx = {.aunts_len = tools_json_count(aunts)};
        struct bytes *hashes = tools_json_alloc(doc, tx.aunts_len, sizeof *hashes);
        tools_json_hex_exact(tx.root, 32, doc, tools_json_get(answer, "root_hash"), "root_hash");
        tx.tx = data_field(doc, answer, "data");
        tx.leaf = data_field(doc, proof, "leaf_hash");
        tx.index = (int64_t)tools_json_u64(doc, tools_json_get(proof, "index"), "index");
        tx.total = (int64_t)tools_json_u64(doc, tools_json_get(proof, "total"), "total");
        for (size_t k = 0; k < tx.aunts_len; k++)
            hashes[k] = tools_cometbft_base64(doc, tools_json_at(aunts, k), "aunts");
        tx.aunts = hashes;
        check_tx(run, &tx, true);
    }
}

bool vectors_try_ics23(struct vectors *run, struct vectors_file *file)
{
    const struct tools_json *json = tools_eth_json_result(tools_json_root(file->doc));
    const struct tools_json *first = tools_json_at(json, 0);
    const struct tools_json *named = NULL;
    if (tools_json_kind(json) == TOOLS_JSON_OBJECT && tools_json_first(json))
        named = tools_json_value(tools_json_first(json));
    if (tools_json_get(json, "proof") && tools_json_get(json, "items"))
        read_batch(run, json);
    else if (tools_json_get(json, "proof") && tools_json_get(json, "root") && tools_json_get(json, "key") &&
             spec_of(file->path))
        read_proof(run, json);
    else if (tools_json_get(first, "mutation") && tools_json_get(first, "proof"))
        read_invalid(run, json);
    else if (tools_json_get(first, "iavl_proof"))
        read_stores(run, json);
    else if (tools_json_get(first, "data_hash") && tools_json_get(first, "tx"))
        read_txs(run, json);
    else if (tools_json_get(tools_json_at(tools_json_get(json, "txs"), 0), "proof"))
        read_tx_search(run, tools_json_get(json, "txs"));
    else if (tools_json_get(named, "Spec"))
        check_table(run, json, check_shape);
    else if (tools_json_get(named, "IsErr"))
        check_table(run, json, check_calculation);
    else if (tools_json_get(named, "HashOp"))
        check_table(run, json, check_hash);
    else
        return false;
    return true;
}
