/*
 * The kinds: fields out of the files, one call of the verifier, facts into the report. A document with an error never gets
 * as far as a verifier; the caller prints the error.
 */
#include "tools/verify/kinds.h"

#include <string.h>

#include "proofs/agreement.h"
#include "proofs/eth_account.h"
#include "proofs/eth_header.h"
#include "proofs/eth_receipt.h"
#include "proofs/mpt.h"
#include "tools/verify/eth_json.h"

static const struct tools_json *trusted_field(const struct tools_verify_case *c, const char *key)
{
    return tools_json_get(tools_json_root(c->trusted), key);
}

static void trusted_exact(uint8_t *out, size_t len, const struct tools_verify_case *c, const char *key)
{
    tools_json_hex_exact(out, len, c->trusted, trusted_field(c, key), key);
}

static const struct tools_json *evidence_root(const struct tools_verify_case *c)
{
    return tools_eth_json_result(tools_json_root(c->evidence[0]));
}

static bool unreadable(const struct tools_verify_case *c)
{
    if (tools_json_error(c->trusted))
        return true;
    for (size_t i = 0; i < c->evidence_count; i++)
        if (tools_json_error(c->evidence[i]))
            return true;
    return false;
}

static void say_presence(const struct tools_verify_case *c, enum proof_presence presence)
{
    switch (presence) {
    case PROOF_UNKNOWN: return;
    case PROOF_PRESENT: tools_json_set_flag(c->facts, "present", true); return;
    case PROOF_ABSENT: tools_json_set_flag(c->facts, "present", false); return;
    }
}

enum proof_verdict tools_verify_eth_header(struct tools_verify_case *c)
{
    uint8_t hash[32];
    struct proof_eth_header_fact fact;
    const struct tools_json *header = tools_json_get(evidence_root(c), "header");
    trusted_exact(hash, 32, c, "hash");
    struct bytes rlp = header ? tools_json_hex(c->evidence[0], header, "header")
                              : tools_eth_json_header(c->evidence[0], evidence_root(c));
    if (unreadable(c))
        return PROOF_INVALID;
    enum proof_verdict verdict = proof_eth_header_verify(&c->result, &fact, hash, rlp);
    if (verdict != PROOF_VALID)
        return verdict;
    tools_json_set_integer(c->facts, "number", (int64_t)fact.header.number);
    tools_json_set_integer(c->facts, "timestamp", (int64_t)fact.header.timestamp);
    tools_json_set_hex(c->facts, "parent_hash", BYTES_OF(fact.header.parent_hash));
    tools_json_set_hex(c->facts, "state_root", BYTES_OF(fact.header.state_root));
    tools_json_set_hex(c->facts, "receipts_root", BYTES_OF(fact.header.receipts_root));
    return verdict;
}

enum proof_verdict tools_verify_eth_account(struct tools_verify_case *c)
{
    uint8_t root[32];
    uint8_t address[20];
    size_t count;
    struct proof_eth_account_fact fact;
    trusted_exact(root, 32, c, "state_root");
    trusted_exact(address, 20, c, "address");
    const struct bytes *nodes =
        tools_json_hex_list(&count, c->evidence[0], tools_json_get(evidence_root(c), "accountProof"), "accountProof");
    if (unreadable(c))
        return PROOF_INVALID;
    enum proof_verdict verdict = proof_eth_account_verify(&c->result, &fact, root, address, nodes, count);
    if (verdict != PROOF_VALID)
        return verdict;
    say_presence(c, fact.presence);
    if (fact.presence != PROOF_PRESENT)
        return verdict;
    tools_json_set_integer(c->facts, "nonce", (int64_t)fact.account.nonce);
    tools_json_set_hex(c->facts, "balance", BYTES_OF(fact.account.balance));
    tools_json_set_hex(c->facts, "storage_root", BYTES_OF(fact.account.storage_root));
    tools_json_set_hex(c->facts, "code_hash", BYTES_OF(fact.account.code_hash));
    return verdict;
}

/* The entry of storageProof whose key is slot: nodes give it as 32 bytes or as a quantity. */
static const struct tools_json *find_slot(const struct tools_verify_case *c, const uint8_t slot[32])
{
    const struct tools_json *list = tools_json_get(evidence_root(c), "storageProof");
    for (size_t i = 0; i < tools_json_count(list); i++) {
        const struct tools_json *entry = tools_json_at(list, i);
        struct bytes text = tools_json_text(c->evidence[0], tools_json_get(entry, "key"), "storageProof.key");
        uint8_t key[32] = {0};
        if (text.len == 66)
            tools_json_hex_exact(key, 32, c->evidence[0], tools_json_get(entry, "key"), "storageProof.key");
        else
            tools_json_u256(key, c->evidence[0], tools_json_get(entry, "key"), "storageProof.key");
        if (memcmp(key, slot, 32) == 0)
            return entry;
    }
    tools_json_fail(c->evidence[0], "storageProof", "has no entry for the trusted slot");
    return NULL;
}

enum proof_verdict tools_verify_eth_storage(struct tools_verify_case *c)
{
    uint8_t root[32];
    uint8_t address[20];
    uint8_t slot[32];
    size_t account_count;
    size_t slot_count;
    struct proof_eth_storage_fact fact;
    trusted_exact(root, 32, c, "state_root");
    trusted_exact(address, 20, c, "address");
    trusted_exact(slot, 32, c, "slot");
    const struct bytes *account = tools_json_hex_list(&account_count, c->evidence[0],
                                                      tools_json_get(evidence_root(c), "accountProof"), "accountProof");
    const struct bytes *nodes = tools_json_hex_list(&slot_count, c->evidence[0],
                                                    tools_json_get(find_slot(c, slot), "proof"), "storageProof.proof");
    if (unreadable(c))
        return PROOF_INVALID;
    enum proof_verdict verdict =
        proof_eth_storage_verify(&c->result, &fact, root, address, slot, account, account_count, nodes, slot_count);
    if (verdict != PROOF_VALID)
        return verdict;
    say_presence(c, fact.presence);
    tools_json_set_hex(c->facts, "value", BYTES_OF(fact.value));
    return verdict;
}

enum proof_verdict tools_verify_eth_receipts(struct tools_verify_case *c)
{
    uint8_t root[32];
    size_t count;
    struct proof_eth_receipts_fact fact;
    trusted_exact(root, 32, c, "receipts_root");
    const struct bytes *receipts = tools_eth_json_receipts(&count, c->evidence[0], evidence_root(c));
    if (unreadable(c))
        return PROOF_INVALID;
    enum proof_verdict verdict = proof_eth_receipts_verify(&c->result, &fact, root, receipts, count);
    if (verdict == PROOF_VALID)
        tools_json_set_integer(c->facts, "receipts", (int64_t)fact.count);
    return verdict;
}

enum proof_verdict tools_verify_mpt(struct tools_verify_case *c)
{
    uint8_t root[32];
    size_t count;
    struct proof_mpt_fact fact;
    trusted_exact(root, 32, c, "root");
    struct bytes key = tools_json_hex(c->trusted, trusted_field(c, "key"), "key");
    bool secure = tools_json_is_true(trusted_field(c, "secure"));
    const struct bytes *nodes =
        tools_json_hex_list(&count, c->evidence[0], tools_json_get(evidence_root(c), "proof"), "proof");
    if (secure && key.len != 32)
        tools_json_fail(c->trusted, "key", "must have 32 bytes in a secure trie");
    if (unreadable(c))
        return PROOF_INVALID;
    enum proof_verdict verdict = secure ? proof_mpt_verify_secure(&c->result, &fact, root, key.data, nodes, count)
                                        : proof_mpt_verify(&c->result, &fact, root, key, nodes, count);
    if (verdict != PROOF_VALID)
        return verdict;
    say_presence(c, fact.presence);
    if (fact.presence == PROOF_PRESENT)
        tools_json_set_hex(c->facts, "value", fact.value);
    return verdict;
}

/* Index of the source with that name; source_count (which no verifier takes) when there is none. */
static size_t find_source(const struct tools_verify_case *c, struct tools_json_doc *doc, const struct tools_json *said)
{
    const struct tools_json *sources = trusted_field(c, "sources");
    struct bytes name = tools_json_text(doc, tools_json_get(said, "source"), "source");
    size_t i = 0;
    for (; i < tools_json_count(sources); i++) {
        const struct tools_json *known = tools_json_get(tools_json_at(sources, i), "name");
        if (codec_bytes_equal(tools_json_text(c->trusted, known, "sources.name"), name))
            break;
    }
    return i;
}

static void read_statement(struct proof_agreement_statement *out, const struct tools_verify_case *c,
                           struct tools_json_doc *doc, const struct tools_json *said)
{
    out->source = find_source(c, doc, said);
    out->chain = tools_json_text(doc, tools_json_get(said, "chain"), "chain");
    out->height = tools_json_u64(doc, tools_json_get(said, "height"), "height");
    tools_json_hex_exact(out->header_hash, 32, doc, tools_json_get(said, "hash"), "hash");
}

static const struct proof_agreement_source *read_sources(size_t *count, const struct tools_verify_case *c)
{
    const struct tools_json *list = trusted_field(c, "sources");
    *count = tools_json_count(list);
    struct proof_agreement_source *sources = tools_json_alloc(c->trusted, *count, sizeof *sources);
    for (size_t i = 0; i < *count; i++) {
        const struct tools_json *source = tools_json_at(list, i);
        sources[i].operator_tag = tools_json_text(c->trusted, tools_json_get(source, "operator"), "sources.operator");
        sources[i].network_tag = tools_json_text(c->trusted, tools_json_get(source, "network"), "sources.network");
        sources[i].software_tag = tools_json_text(c->trusted, tools_json_get(source, "software"), "sources.software");
    }
    return sources;
}

enum proof_verdict tools_verify_agreement(struct tools_verify_case *c)
{
    struct proof_agreement_trust trust = {0};
    struct proof_agreement_statement statements[PROOF_AGREEMENT_SOURCES_MAX];
    struct proof_agreement_fact fact;
    size_t count = 0;
    trust.chain = tools_json_text(c->trusted, trusted_field(c, "chain"), "chain");
    trust.demanded = tools_json_u64(c->trusted, trusted_field(c, "demanded"), "demanded");
    trust.sources = read_sources(&trust.source_count, c);
    uint64_t height = tools_json_u64(c->trusted, trusted_field(c, "height"), "height");
    for (size_t i = 0; i < c->evidence_count; i++) {
        const struct tools_json *root = tools_json_root(c->evidence[i]);
        bool list = tools_json_kind(root) == TOOLS_JSON_ARRAY;
        for (size_t k = 0; k < (list ? tools_json_count(root) : 1); k++) {
            if (count == PROOF_AGREEMENT_SOURCES_MAX) {
                tools_json_fail(c->evidence[i], "statements", "are too many");
                return PROOF_INVALID;
            }
            read_statement(&statements[count++], c, c->evidence[i], list ? tools_json_at(root, k) : root);
        }
    }
    if (unreadable(c))
        return PROOF_INVALID;
    enum proof_verdict verdict = proof_agreement_verify(&c->result, &fact, &trust, height, statements, count);
    if (verdict != PROOF_VALID)
        return verdict;
    tools_json_set_integer(c->facts, "height", (int64_t)fact.height);
    tools_json_set_hex(c->facts, "hash", BYTES_OF(fact.header_hash));
    tools_json_set_integer(c->facts, "independent", (int64_t)fact.independent);
    return verdict;
}
