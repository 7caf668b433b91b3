/* The CometBFT connector's parts that need no node: a real node's answers, options, the ledger's transactions. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "connectors/cometbft/ledger.h"
#include "connectors/cometbft/options.h"
#include "connectors/cometbft/parse.h"
#include "proofs/codec/connector.h"
#include "proofs/codec/hex.h"
#include "proofs/codec/keccak.h"
#include "proofs/codec/secp256k1.h"
#include "proofs/codec/sha256.h"
#include "proofs/cometbft.h"
#include "proofs/cosmos_store.h"

#define TEXT(literal) ((struct bytes){(const uint8_t *)(literal), sizeof(literal) - 1})
#define CORPUS        "tests/fuzz/connectors/corpus/cometbft_answer/"
#define APP_HASH      "a483ae52f7fb2f44158253dcbe40a57aa961ffd4d1edb237c1f13ea9f7d6d633"

/* Answers of real nodes: the chain of four validators whose powers change. */
static struct sdk_json *recorded(const char *path)
{
    static char in[1 << 16];
    char text[160];
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    const size_t len = fread(in, 1, sizeof in, file);
    fclose(file);
    struct sdk_json *root = sdk_json_parse((struct bytes){(const uint8_t *)in, len}, text, sizeof text);
    if (!root)
        fail_msg("%s: %s", path, text);
    return root;
}

static void a_nodes_header_hashes_to_what_its_validators_signed(void **state)
{
    (void)state;
    struct sdk_arena arena = {0};
    struct sdk_json *root = recorded(CORPUS "commit.json");
    struct cometbft_header header;
    struct cometbft_commit commit;
    uint8_t hash[32];
    assert_true(cometbft_parse_signed_header(&header, &commit, sdk_json_member(root, "signed_header"), &arena));
    assert_true(proof_cometbft_header_hash(hash, &header));
    assert_memory_equal(hash, commit.block_id.hash.data, 32);
    assert_int_equal(header.height, 312);
    assert_int_equal(commit.votes_len, 4);
    assert_int_equal(commit.votes[0].signature.len, 64);
    sdk_json_free(root);
    sdk_arena_fini(&arena);
}

/* A block of a real chain that carries a double vote: its header says so, and what is written is what CometBFT hashes. */
static void a_nodes_evidence_hashes_to_what_the_header_names(void **state)
{
    (void)state;
    struct sdk_arena arena = {0};
    struct sdk_json *root = recorded(CORPUS "block.json"), *without = recorded(CORPUS "commit.json");
    const struct sdk_json *block = sdk_json_member(root, "block");
    const struct sdk_json *list = sdk_json_member(sdk_json_member(block, "evidence"), "evidence");
    const struct sdk_json *named = sdk_json_member(sdk_json_member(block, "header"), "evidence_hash");
    struct cometbft_double_vote votes, again;
    struct codec_writer writer;
    struct bytes hash;
    uint8_t bytes[CODEC_CONNECTOR_OFFENCE_MAX], root_hash[32];
    static const uint8_t leaf = 0;
    assert_int_equal(sdk_json_length(list), 1);
    assert_true(cometbft_parse_double_vote(&votes, sdk_json_element(list, 0), &arena));
    codec_writer_init(&writer, bytes, sizeof bytes);
    cometbft_double_vote_write(&writer, &votes);
    assert_false(writer.failed);
    assert_true(cometbft_double_vote_read(&again, codec_writer_bytes(&writer)));
    assert_int_equal(again.a.height, 1397);
    /* the Merkle root of one piece of evidence: its leaf */
    codec_sha256(root_hash, (const struct bytes[]){{&leaf, 1}, codec_writer_bytes(&writer)}, 2);
    assert_true(sdk_json_digits(&hash, named, &arena));
    assert_memory_equal(hash.data, root_hash, 32);
    assert_true(cometbft_parse_has_evidence(named, &arena));
    const struct sdk_json *header = sdk_json_member(sdk_json_member(without, "signed_header"), "header");
    assert_false(cometbft_parse_has_evidence(sdk_json_member(header, "evidence_hash"), &arena));
    assert_false(cometbft_parse_has_evidence(NULL, &arena));
    assert_false(cometbft_parse_double_vote(&votes, list, &arena));
    sdk_json_free(root);
    sdk_json_free(without);
    sdk_arena_fini(&arena);
}

static void a_nodes_validators_hash_to_what_the_header_names(void **state)
{
    (void)state;
    struct sdk_arena arena = {0};
    struct sdk_json *root = recorded(CORPUS "validators.json"), *signed_header = recorded(CORPUS "commit.json");
    struct cometbft_kept_validator kept[4] = {0};
    struct cometbft_validator list[4];
    struct cometbft_header header;
    struct cometbft_commit commit;
    uint8_t hash[32];
    for (size_t i = 0; i < 4; i++) {
        assert_true(
            cometbft_parse_validator(&kept[i], sdk_json_element(sdk_json_member(root, "validators"), i), &arena));
        list[i] = (struct cometbft_validator){.kind = kept[i].kind,
                                              .key = {kept[i].key, kept[i].key_len},
                                              .address = BYTES_OF(kept[i].address),
                                              .power = kept[i].power};
    }
    cometbft_validators_sort(list, 4);
    struct proof_cometbft_space *space = proof_cometbft_space_new(4, 0);
    assert_non_null(space);
    proof_cometbft_validators_hash(hash, space, list, 4);
    assert_true(
        cometbft_parse_signed_header(&header, &commit, sdk_json_member(signed_header, "signed_header"), &arena));
    assert_memory_equal(hash, header.validators_hash.data, 32);
    proof_cometbft_space_free(space);
    sdk_json_free(root);
    sdk_json_free(signed_header);
    sdk_arena_fini(&arena);
}

/* A real node of the Cosmos SDK 0.50 (simd of ibc-go 8.8), asked with proof for the supply of a coin and of one that there is none of, in the store
 * `bank` at height 8; the app hash is that of its header 9. */
static void a_cosmos_sdk_nodes_answers_prove_what_its_store_holds(void **state)
{
    (void)state;
    static const struct {
        const char *file;
        struct bytes key;
        enum proof_presence presence;
    } asked[] = {{CORPUS "store_present.json", TEXT("\0stake"), PROOF_PRESENT},
                 {CORPUS "store_absent.json", TEXT("\0stakf"), PROOF_ABSENT}};
    const struct bytes bank = TEXT("bank");
    struct sdk_arena arena = {0};
    struct cometbft_shown shown;
    struct proof_result result;
    struct proof_cosmos_fact fact;
    uint8_t app_hash[32];
    assert_true(codec_hex_decode_exact(app_hash, 32, APP_HASH, strlen(APP_HASH)));
    for (size_t i = 0; i < 2; i++) {
        struct sdk_json *root = recorded(asked[i].file);
        const struct sdk_json *response = sdk_json_member(root, "response");
        assert_null(cometbft_parse_shown(&shown, response, 8, bank, asked[i].key, &arena));
        assert_int_equal(
            proof_cosmos_store_verify(&result, &fact, app_hash, bank, asked[i].key, shown.ops[0], shown.ops[1]),
            PROOF_VALID);
        assert_int_equal(fact.presence, asked[i].presence);
        assert_true(codec_bytes_equal(fact.value, shown.value));
        assert_non_null(cometbft_parse_shown(&shown, response, 9, bank, asked[i].key, &arena));
        assert_non_null(cometbft_parse_shown(&shown, response, 8, TEXT("acc"), asked[i].key, &arena));
        assert_non_null(cometbft_parse_shown(&shown, response, 8, bank, asked[1 - i].key, &arena));
        assert_non_null(cometbft_parse_shown(&shown, response, 8, (struct bytes){NULL, 0}, asked[i].key, &arena));
        sdk_json_free(root);
    }
    sdk_arena_fini(&arena);
}

#define OP(type, key, data) "{\"type\":\"" type "\",\"key\":\"" key "\",\"data\":\"" data "\"}"
#define IAVL                OP("ics23:iavl", "aw==", "AA==")   /* about `k` */
#define SIMPLE              OP("ics23:simple", "cw==", "AA==") /* about `s` */
#define ANSWER(ops)         "{\"height\":\"8\",\"value\":\"dg==\",\"proofOps\":{\"ops\":[" ops "]}}"

/* About the key `k` at height 8: one proof, or two in this order, each about what was asked. */
static void proofs_of_another_shape_are_refused_by_name(void **state)
{
    (void)state;
    static const struct {
        const char *answer, *store, *wrong; /* NULL: nothing */
    } cases[] = {
        {ANSWER(IAVL), "", NULL},
        {ANSWER(IAVL "," SIMPLE), "s", NULL},
        {ANSWER(IAVL "," SIMPLE), "", "the one proof operation"},
        {ANSWER(IAVL), "s", "the two proof operations"},
        {ANSWER(IAVL "," SIMPLE "," SIMPLE), "s", "the two proof operations"},
        {"{\"height\":\"8\",\"value\":null,\"proofOps\":null}", "s", "the two proof operations"},
        {ANSWER(SIMPLE "," IAVL), "s", "another order"},
        {ANSWER(IAVL "," IAVL), "s", "another order"},
        {ANSWER(OP("ics23:smt", "aw==", "AA==")), "", "other types"},
        {ANSWER("{\"key\":\"aw==\",\"data\":\"AA==\"}"), "", "other types"},
        {ANSWER(OP("ics23:iavl", "bA==", "AA==")), "", "another key or store"},
        {ANSWER(OP("ics23:iavl", "", "AA==")), "", "another key or store"},
        {ANSWER(IAVL "," SIMPLE), "t", "another key or store"},
        {ANSWER(OP("ics23:iavl", "aw==", "")), "", "without a proof"},
        {ANSWER(IAVL "," OP("ics23:simple", "cw==", "?")), "s", "without a proof"},
        {"{\"height\":\"9\",\"value\":null,\"proofOps\":{\"ops\":[" IAVL "]}}", "", "another height"},
        {"{\"height\":\"8\",\"value\":\"?\",\"proofOps\":{\"ops\":[" IAVL "]}}", "", "no base64"},
    };
    struct sdk_arena arena = {0};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[160];
        struct cometbft_shown shown;
        const struct bytes store = {(const uint8_t *)cases[i].store, strlen(cases[i].store)};
        struct sdk_json *root = sdk_json_parse(
            (struct bytes){(const uint8_t *)cases[i].answer, strlen(cases[i].answer)}, text, sizeof text);
        assert_non_null(root);
        const char *wrong = cometbft_parse_shown(&shown, root, 8, store, TEXT("k"), &arena);
        if (cases[i].wrong ? !wrong || !strstr(wrong, cases[i].wrong) : wrong != NULL)
            fail_msg("%s: %s", cases[i].answer, wrong ? wrong : "taken");
        sdk_json_free(root);
    }
    sdk_arena_fini(&arena);
}

/* Text by text: what is no number, no digits, no time, no key. */
static void malformed_answers_are_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {"{}", "[]", "null", "{\"header\":{},\"commit\":{}}",
                                      "{\"header\":{\"chain_id\":\"x\",\"height\":\"1\",\"time\":\"yesterday\"}}"};
    static const char *const bad_validators[] = {"{\"address\":\"00\",\"pub_key\":{\"type\":\"tendermint/"
                                                 "PubKeyEd25519\",\"value\":\"\"},\"voting_power\":\"1\"}",
                                                 "{\"address\":\"0000000000000000000000000000000000000000\",\"pub_"
                                                 "key\":{\"type\":\"another\",\"value\":\"AAAA\"}}",
                                                 "{\"address\":\"0000000000000000000000000000000000000000\"}"};
    char text[160];
    struct sdk_arena arena = {0};
    struct cometbft_header header;
    struct cometbft_commit commit;
    struct cometbft_kept_validator validator;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct sdk_json *root =
            sdk_json_parse((struct bytes){(const uint8_t *)bad[i], strlen(bad[i])}, text, sizeof text);
        assert_false(cometbft_parse_signed_header(&header, &commit, root, &arena));
        sdk_json_free(root);
    }
    for (size_t i = 0; i < sizeof bad_validators / sizeof *bad_validators; i++) {
        struct sdk_json *root = sdk_json_parse(
            (struct bytes){(const uint8_t *)bad_validators[i], strlen(bad_validators[i])}, text, sizeof text);
        assert_non_null(root);
        assert_false(cometbft_parse_validator(&validator, root, &arena));
        sdk_json_free(root);
    }
    sdk_arena_fini(&arena);
}

static bool read_options(struct cometbft_options *options, const char *chain, const struct connector_option *list,
                         size_t len, char text[1024])
{
    const struct connector_configure message = {.protocol = 1,
                                                .chain = {(const uint8_t *)chain, strlen(chain)},
                                                .genesis = {1},
                                                .options = list,
                                                .options_len = len};
    return cometbft_options_read(options, &message, text, 1024);
}

static void options_are_read_and_wrong_ones_named(void **state)
{
    (void)state;
    struct cometbft_options options;
    char text[1024];
    const struct connector_option good[] = {
        {TEXT("http"), TEXT("http://127.0.0.1:26657")},
        {TEXT("outbox"), TEXT("0000000000000000000000001111111111111111111111111111111111111111")},
        {TEXT("finality-depth"), TEXT("0")},
        {TEXT("store"), TEXT("")}};
    const struct connector_option bad[] = {{TEXT("http"), TEXT("ftp://x")},
                                           {TEXT("inbox"), TEXT("0x11")},
                                           {TEXT("finality-depth"), TEXT("3")},
                                           {TEXT("store"), TEXT("a/b")}};
    const struct connector_option named[] = {good[0], good[1], {TEXT("store"), TEXT("isthmus")}};
    assert_true(read_options(&options, "cosmos:isthmus-1", named, 3, text));
    assert_string_equal(options.path, "/store/isthmus/key");
    assert_true(read_options(&options, "cosmos:isthmus-1", good, 4, text));
    assert_string_equal(options.path, "/store");
    assert_string_equal(options.chain_id, "isthmus-1");
    assert_true(options.has_outbox && !options.has_inbox && !options.has_key);
    assert_false(read_options(&options, "cosmos:", bad, 4, text));
    for (const char *const *name = (const char *const[]){"chain", "http", "inbox", "finality-depth", "store", NULL};
         *name; name++)
        assert_non_null(strstr(text, *name));
}

/* One place in the account's sequence, one chain, one text: another transaction for each. */
static void a_transaction_is_bound_to_chain_sequence_and_body(void **state)
{
    (void)state;
    static const uint8_t tag[16] = "isthmus/tx\0\0\0\0\0\1";
    const uint8_t key[32] = {[31] = 7}, chain[32] = {9};
    uint8_t hash[32], digest[32], point[64], want[64], signature[64];
    size_t len = 0;
    uint8_t *tx = cometbft_ledger_sign(&len, hash, 12, 5, TEXT("x"), chain, key);
    assert_non_null(tx);
    assert_int_equal(len, 10 + 1 + 64);
    struct codec_keccak256 keccak;
    codec_keccak256_init(&keccak);
    codec_keccak256_update(&keccak, BYTES_OF(tag));
    codec_keccak256_update(&keccak, BYTES_OF(chain));
    codec_keccak256_update(&keccak, (struct bytes){tx, len - 64});
    codec_keccak256_final(digest, &keccak);
    memcpy(signature, tx + len - 64, 64);
    const int parity = signature[32] >> 7;
    signature[32] &= 0x7f;
    assert_true(codec_secp256k1_recover(point, digest, signature, parity));
    assert_true(codec_secp256k1_public(want, key));
    assert_memory_equal(point, want, 64);
    free(tx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_nodes_header_hashes_to_what_its_validators_signed),
        cmocka_unit_test(a_nodes_evidence_hashes_to_what_the_header_names),
        cmocka_unit_test(a_nodes_validators_hash_to_what_the_header_names),
        cmocka_unit_test(a_cosmos_sdk_nodes_answers_prove_what_its_store_holds),
        cmocka_unit_test(proofs_of_another_shape_are_refused_by_name),
        cmocka_unit_test(malformed_answers_are_refused),
        cmocka_unit_test(options_are_read_and_wrong_ones_named),
        cmocka_unit_test(a_transaction_is_bound_to_chain_sequence_and_body),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
