/*
 * Code and call data of the contracts: the few shapes of the ABI that creating them and asking them needs.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proofs/certificate.h"
#include "proofs/codec/keccak.h"
#include "proofs/codec/rlp.h"
#include "tools/isthmus/contracts.h"
#include "tools/isthmus/isthmus.h"

static const char *const FILES[CONTRACTS_COUNT] = {"Registry.json", "Outbox.json", "Inbox.json"};

/* As the sources name their immutables. */
static const char *const WORDS[CONTRACTS_WORDS] = {"network", "chain",       "chainId",  "registry",
                                                   "outbox",  "receiverGas", "recovery", "recoveryDelay"};

void contracts_put(uint8_t word[32], uint64_t number)
{
    struct codec_writer writer;
    memset(word, 0, 24);
    codec_writer_init(&writer, word + 24, 8);
    codec_write_u64(&writer, number);
}

/* ---- artifacts ----------------------------------------------------------------------------------------------------- */

const char *contracts_word_name(enum contracts_word word)
{
    return WORDS[word];
}

/* One immutable of the file: its name and the list of its places. */
static void read_holes(struct contracts_code *code, const char *name, const struct tools_json *places, size_t len)
{
    struct tools_json_doc *doc = code->artifact;
    size_t word = 0;
    while (word < CONTRACTS_WORDS && strcmp(WORDS[word], name) != 0)
        word++;
    if (word == CONTRACTS_WORDS)
        tools_json_fail(doc, "immutables", "have a name that this version does not know");
    for (size_t i = 0; i < tools_json_count(places); i++) {
        uint64_t at = tools_json_u64(doc, tools_json_at(places, i), "immutables");
        if (len < 32 || at > len - 32)
            tools_json_fail(doc, "immutables", "lie behind the end of the code");
        code->holes[code->holes_len++] = (struct contracts_hole){(size_t)at, (enum contracts_word)word};
    }
}

/* The code that stands on chain, as the compiler left it and with the immutables in their holes. */
static void read_code(struct contracts *contracts, struct contracts_code *code)
{
    struct tools_json_doc *doc = code->artifact;
    const struct tools_json *root = tools_json_root(doc), *immutables = tools_json_get(root, "immutables");
    struct bytes compiled = tools_json_hex(doc, tools_json_get(root, "runtime"), "runtime");
    uint8_t *filled = tools_json_alloc(doc, compiled.len, 1);
    size_t holes = 0;

    if (tools_json_kind(immutables) != TOOLS_JSON_OBJECT)
        tools_json_fail(doc, "immutables", "are missing: this file is of an older build");
    for (void *i = tools_json_first(immutables); i; i = tools_json_next(immutables, i))
        holes += tools_json_count(tools_json_value(i));
    code->holes = tools_json_alloc(doc, holes, sizeof *code->holes);
    for (void *i = tools_json_first(immutables); i; i = tools_json_next(immutables, i))
        read_holes(code, tools_json_key(i), tools_json_value(i), compiled.len);
    if (tools_json_error(doc))
        return;
    memcpy(filled, compiled.data, compiled.len);
    for (size_t i = 0; i < code->holes_len; i++)
        memcpy(filled + code->holes[i].at, contracts->words[code->holes[i].word], 32);
    code->runtime = (struct bytes){filled, compiled.len};
}

bool contracts_load(struct contracts *contracts, const char *folder)
{
    for (size_t i = 0; i < CONTRACTS_COUNT; i++) {
        char path[4096];
        struct contracts_code *code = &contracts->code[i];
        snprintf(path, sizeof path, "%s/%s", folder, FILES[i]);
        code->artifact = tools_json_open(path);
        if (!tools_json_error(code->artifact))
            read_code(contracts, code);
        if (!tools_json_error(code->artifact))
            continue;
        isthmus_failed(
            "%s: --contracts is the folder of the compiled contracts, share/isthmus/contracts of an installation",
            tools_json_error(code->artifact));
        return false;
    }
    return true;
}

void contracts_unload(struct contracts *contracts)
{
    for (size_t i = 0; i < CONTRACTS_COUNT; i++)
        tools_json_close(contracts->code[i].artifact);
}

const struct contracts_hole *contracts_other_immutable(const struct contracts *contracts, enum contracts_which which,
                                                       struct bytes found)
{
    const struct contracts_code *code = &contracts->code[which];
    const struct contracts_hole *other = NULL;

    if (found.len != code->runtime.len)
        return NULL;
    uint8_t *mended = tools_json_alloc(code->artifact, found.len, 1);
    memcpy(mended, found.data, found.len);
    for (size_t i = code->holes_len; i-- > 0;) {
        const struct contracts_hole *hole = &code->holes[i];
        if (memcmp(found.data + hole->at, contracts->words[hole->word], 32) != 0)
            other = hole;
        memcpy(mended + hole->at, contracts->words[hole->word], 32);
    }
    return memcmp(mended, code->runtime.data, found.len) == 0 ? other : NULL;
}

/* ---- creation ------------------------------------------------------------------------------------------------------ */

static void write_number(struct codec_writer *writer, uint64_t number)
{
    uint8_t word[32];
    contracts_put(word, number);
    codec_write_bytes(writer, BYTES_OF(word));
}

/* constructor(bytes32 network, bytes32 genesis, uint16 quorum, (uint16 operator, uint8 side, address key)[] members,
 * address recovery, uint64 recoveryDelay) */
static void write_registry(struct codec_writer *writer, const struct contracts *contracts)
{
    enum { FIXED = 6 }; /* words before the list, which stands behind them */
    const struct topology_epoch *epoch = &contracts->chain->epochs[0];
    codec_write_bytes(writer, BYTES_OF(contracts->words[CONTRACTS_NETWORK_ID]));
    codec_write_bytes(writer, BYTES_OF(contracts->chain->genesis));
    write_number(writer, epoch->quorum);
    write_number(writer, FIXED * 32);
    codec_write_bytes(writer, BYTES_OF(contracts->words[CONTRACTS_RECOVERY]));
    codec_write_bytes(writer, BYTES_OF(contracts->words[CONTRACTS_RECOVERY_DELAY]));
    write_number(writer, epoch->keys_len);
    for (size_t i = 0; i < epoch->keys_len; i++) { /* ascending already, as the registry wants them */
        const struct topology_key *key = &epoch->keys[i];
        write_number(writer, key->operator_number);
        write_number(writer, topology_operator_by_number(contracts->network, key->operator_number)->side);
        codec_write_bytes(writer, BYTES_OF(key->id));
    }
}

/* constructor(bytes32 network, bytes32 genesis, address registry), and for the inbox (…, address outbox, uint256 receiverGas) */
static void write_box(struct codec_writer *writer, const struct contracts *contracts, bool inbox)
{
    codec_write_bytes(writer, BYTES_OF(contracts->words[CONTRACTS_NETWORK_ID]));
    codec_write_bytes(writer, BYTES_OF(contracts->chain->genesis));
    codec_write_bytes(writer, BYTES_OF(contracts->words[CONTRACTS_REGISTRY_ACCOUNT]));
    if (inbox) {
        codec_write_bytes(writer, BYTES_OF(contracts->words[CONTRACTS_OUTBOX_ACCOUNT]));
        codec_write_bytes(writer, BYTES_OF(contracts->words[CONTRACTS_RECEIVER_GAS]));
    }
}

struct bytes contracts_creation(const struct contracts *contracts, enum contracts_which which)
{
    struct tools_json_doc *doc = contracts->code[which].artifact;
    struct bytes code = tools_json_hex(doc, tools_json_get(tools_json_root(doc), "bytecode"), "bytecode");
    const size_t cap = code.len + 32 * (8 + 3 * CONTRACTS_MEMBERS_MAX);
    struct codec_writer writer;

    if (!tools_json_error(doc) && code.len == 0)
        tools_json_fail(doc, "bytecode", "is empty");
    if (tools_json_error(doc)) {
        isthmus_failed("%s", tools_json_error(doc));
        return (struct bytes){NULL, 0};
    }
    codec_writer_init(&writer, tools_json_alloc(doc, cap, 1), cap);
    codec_write_bytes(&writer, code);
    switch (which) {
    case CONTRACTS_REGISTRY: write_registry(&writer, contracts); break;
    case CONTRACTS_OUTBOX:
    case CONTRACTS_INBOX: write_box(&writer, contracts, which == CONTRACTS_INBOX); break;
    case CONTRACTS_COUNT: break;
    }
    return codec_writer_bytes(&writer);
}

void contracts_address(uint8_t out[20], const uint8_t from[20], uint64_t nonce)
{
    uint8_t text[64], hash[32];
    struct codec_writer writer;
    codec_writer_init(&writer, text, sizeof text);
    size_t list = codec_rlp_list_begin(&writer);
    codec_rlp_write_string(&writer, (struct bytes){from, 20});
    codec_rlp_write_u64(&writer, nonce);
    codec_rlp_list_end(&writer, list);
    codec_keccak256(hash, codec_writer_bytes(&writer));
    memcpy(out, hash + 12, 20);
}

/* ---- calls and what they answer ------------------------------------------------------------------------------------ */

struct bytes contracts_call(uint8_t *out, const char *signature, const uint8_t (*words)[32], size_t count)
{
    uint8_t hash[32];
    codec_keccak256(hash, (struct bytes){(const uint8_t *)signature, strlen(signature)});
    memcpy(out, hash, 4);
    if (count)
        memcpy(out + 4, words, 32 * count);
    return (struct bytes){out, 4 + 32 * count};
}

static const char *const SETTINGS[CONTRACTS_SETTINGS_WORDS] = {
    "destinationChain", "inbox", "receiver", "sender", "mode", "suites", "maxLifetime", "generation"};

const char *contracts_setting(size_t index)
{
    return SETTINGS[index];
}

void contracts_settings(uint8_t out[CONTRACTS_SETTINGS_WORDS][32], const struct topology_network *network,
                        const struct topology_lane *lane)
{
    const struct topology_chain *destination = &network->chains[lane->destination];
    memcpy(out[0], destination->identity, 32);
    memcpy(out[1], destination->inbox, 32);
    memcpy(out[2], lane->receiver, 32);
    memcpy(out[3], lane->sender, 32);
    contracts_put(out[4], lane->mode);
    contracts_put(out[5], lane->suites);
    contracts_put(out[6], lane->longest_life);
    contracts_put(out[7], lane->generation);
}

void contracts_epoch(uint8_t out[CONTRACTS_EPOCH_WORDS][32], const struct topology_network *network,
                     const struct topology_epoch *epoch)
{
    struct proof_member members[CONTRACTS_MEMBERS_MAX] = {0};
    for (size_t i = 0; i < epoch->keys_len; i++) {
        const struct topology_key *key = &epoch->keys[i];
        members[i].operator= key->operator_number;
        members[i].side = topology_operator_by_number(network, key->operator_number)->side;
        members[i].key.suite = PROOF_SUITE_KECCAK256_SECP256K1;
        memcpy(members[i].key.id, key->id, 32);
    }
    contracts_put(out[0], epoch->quorum);
    contracts_put(out[1], topology_epoch_operators(epoch));
    proof_members_hash(out[2], PROOF_SUITE_KECCAK256_SECP256K1, members, epoch->keys_len);
    contracts_put(out[3], 1);
}
