/*
 * Evidence of an EVM chain: slots under a state root, or the receipts of a whole block, for the logs that were asked for and no others.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "proofs/codec/connector.h"
#include "proofs/codec/eth.h"
#include "proofs/codec/keccak.h"
#include "proofs/codec/rlp.h"
#include "proofs/eth_evidence.h"
#include "proofs/lane.h"
#include "proofs/mpt.h"
#include "tests/unit/proofs/trie.h"

enum { LOGS = 3, RECEIPTS = 4, EVENTS = 2, HEIGHT = 100 };

static const uint8_t account[32] = {[12] = 0xaa, [31] = 1};
static const uint8_t bloom[256];

/* A block and the evidence of it, of either kind; a test spoils what it likes, then asks. Logs stand in the order of their kinds. */
static struct {
    struct trie slots, accounts, block;
    struct trie_proof slot[LOGS], contract;
    struct eth_header header;
    struct proof_eth_log_place places[LOGS];
    uint8_t running[LOGS][32];
    uint8_t slot_keys[LOGS][32], slot_values[LOGS][40], contract_value[128];
    struct eth_log events[RECEIPTS][EVENTS];
    uint8_t event_data[RECEIPTS][EVENTS][160];
    uint8_t receipt_bytes[RECEIPTS][2048];
    struct bytes receipts[RECEIPTS];
    struct connector_slot shown[LOGS];
    struct connector_mark marks[PROOF_ETH_EVIDENCE_LOGS_MAX + 1];
    struct connector_message message;
    uint8_t header_bytes[1024];
    struct proof_result result;
    struct proof_eth_evidence_fact fact;
} w;

static void hash_of(uint8_t out[32], const char *text)
{
    codec_keccak256(out, (struct bytes){(const uint8_t *)text, strlen(text)});
}

static void state_make(void)
{
    struct codec_writer writer;
    uint8_t code_hash[32] = {1}, key[32];
    trie_clear(&w.slots);
    for (size_t i = 0; i < LOGS; i++) {
        proof_eth_log_slot(w.shown[i].slot, &w.places[i]);
        codec_keccak256(w.slot_keys[i], BYTES_OF(w.shown[i].slot));
        codec_writer_init(&writer, w.slot_values[i], sizeof w.slot_values[i]);
        codec_rlp_write_uint(&writer, BYTES_OF(w.running[i]));
        if (i < LOGS - 1) /* the last log has no entry yet */
            trie_put(&w.slots, BYTES_OF(w.slot_keys[i]), codec_writer_bytes(&writer));
    }
    for (size_t i = 0; i < LOGS; i++)
        trie_prove(&w.slot[i], &w.slots, BYTES_OF(w.slot_keys[i]));
    codec_writer_init(&writer, w.contract_value, sizeof w.contract_value);
    codec_rlp_write_u64(&writer, 1);
    codec_rlp_write_u64(&writer, 0);
    codec_rlp_write_string(&writer, BYTES_OF(w.slot[0].root));
    codec_rlp_write_string(&writer, BYTES_OF(code_hash));
    codec_rlp_list_end(&writer, 0);
    codec_keccak256(key, (struct bytes){account + 12, 20});
    trie_clear(&w.accounts);
    trie_put(&w.accounts, BYTES_OF(key), codec_writer_bytes(&writer));
    trie_prove(&w.contract, &w.accounts, BYTES_OF(key));
    memcpy(w.header.state_root, w.contract.root, 32);
}

/* An event of a log as the contracts emit it: [lane, number] indexed; the running hash first, or behind four words. */
static void event_make(struct eth_log *log, uint8_t data[160], size_t which, uint64_t number, uint8_t running)
{
    const bool message = w.places[which].kind == PROOF_LOG_MESSAGE;
    memset(log, 0, sizeof *log);
    memcpy(log->address, account + 12, 20);
    hash_of(log->topics[0], message ? "Message(bytes32,uint64,bytes32,bytes)"
                                    : "Outcome(bytes32,uint64,uint64,bytes32,uint8,uint32,bytes32)");
    memcpy(log->topics[1], w.places[which].lane, 32);
    log->topics[2][31] = (uint8_t)number;
    log->topic_count = 3;
    memset(data, 0, 160);
    memset(data + (message ? 0 : 128), running, 32);
    log->data = (struct bytes){data, message ? 32 : 160};
}

static void block_make(void)
{
    static uint8_t keys[RECEIPTS][9];
    trie_clear(&w.block);
    for (size_t i = 0; i < RECEIPTS; i++) {
        const struct eth_receipt receipt = {
            .type = 2, .status = true, .cumulative_gas = i, .logs_bloom = BYTES_OF(bloom)};
        struct codec_writer writer;
        codec_writer_init(&writer, w.receipt_bytes[i], sizeof w.receipt_bytes[i]);
        codec_eth_receipt_write(&writer, &receipt, w.events[i], EVENTS);
        assert_false(writer.failed);
        w.receipts[i] = codec_writer_bytes(&writer);
        trie_put(&w.block, (struct bytes){keys[i], codec_eth_index_key(keys[i], i)}, w.receipts[i]);
    }
    struct trie_proof proof;
    trie_prove(&proof, &w.block, (struct bytes){keys[0], codec_eth_index_key(keys[0], 0)});
    memcpy(w.header.receipts_root, proof.root, 32);
}

static void use(enum proof_eth_evidence_kind kind, size_t logs)
{
    bool slots = kind == PROOF_ETH_EVIDENCE_SLOT;
    w.message = (struct connector_message){.type = CONNECTOR_EVIDENCE};
    w.message.evidence = (struct connector_evidence){.kind = (uint8_t)kind,
                                                     .height = HEIGHT,
                                                     .items = slots ? w.contract.nodes : w.receipts,
                                                     .items_len = slots ? w.contract.count : RECEIPTS,
                                                     .slots = w.shown,
                                                     .slots_len = slots ? logs : 0,
                                                     .marks = w.marks,
                                                     .marks_len = logs};
    memcpy(w.message.evidence.account, account, 32);
}

static int make(void **state)
{
    (void)state;
    memset(&w, 0, sizeof w);
    w.header = (struct eth_header){.fork = ETH_FORK_PRAGUE, .number = HEIGHT, .timestamp = 1234, .gas_limit = 1};
    w.header.logs_bloom = BYTES_OF(bloom);
    for (size_t i = 0; i < LOGS; i++) {
        w.places[i].kind = (uint8_t)(i + 1);
        memset(w.places[i].lane, 0x11, 32);
        proof_log_id(w.places[i].log, PROOF_SUITE_KECCAK256_SECP256K1, w.places[i].lane, (enum proof_log_kind)(i + 1));
        memset(w.running[i], (int)(0x40 + i), 32);
    }
    state_make();
    for (size_t i = 0; i < RECEIPTS; i++)
        for (size_t k = 0; k < EVENTS; k++)
            event_make(&w.events[i][k], w.event_data[i][k], k, i + 1, (uint8_t)(0x50 + 2 * i + k));
    block_make();
    use(PROOF_ETH_EVIDENCE_SLOT, LOGS);
    return 0;
}

static enum proof_reason ask_bytes(size_t places, struct bytes evidence)
{
    enum proof_verdict verdict = proof_eth_evidence_verify(&w.result, &w.fact, account, w.places, places, evidence);
    assert_int_equal(verdict == PROOF_VALID, w.result.reason == PROOF_REASON_VALID);
    if (verdict != PROOF_VALID)
        assert_true(codec_bytes_are_zero((const uint8_t *)&w.fact, sizeof w.fact));
    return w.result.reason;
}

/* Finishes the header and asks, for the first `places` logs. */
static enum proof_reason ask(size_t places)
{
    struct codec_pack pack;
    struct codec_writer writer;
    for (size_t i = 0; i < LOGS; i++) {
        w.shown[i].nodes = w.slot[i].nodes;
        w.shown[i].nodes_len = w.slot[i].count;
    }
    codec_writer_init(&writer, w.header_bytes, sizeof w.header_bytes);
    codec_eth_header_write(&writer, &w.header);
    assert_false(writer.failed);
    w.message.evidence.header = codec_writer_bytes(&writer);
    codec_pack_init(&pack, CODEC_CONNECTOR_MESSAGE_MAX);
    codec_connector_encode(&pack, &w.message);
    assert_false(pack.failed);
    enum proof_reason reason = ask_bytes(places, codec_pack_bytes(&pack));
    codec_pack_fini(&pack);
    return reason;
}

static void assert_ask(size_t places, enum proof_reason reason)
{
    assert_string_equal(proof_reason_text(ask(places)), proof_reason_text(reason));
}

static void test_slots__every_log_stands_where_its_slot_says(void **state)
{
    uint8_t hash[32];
    (void)state;
    assert_ask(LOGS, PROOF_REASON_VALID);
    codec_keccak256(hash, w.message.evidence.header);
    assert_memory_equal(w.fact.header_hash, hash, 32);
    assert_int_equal(w.fact.height, HEIGHT);
    assert_int_equal(w.fact.time, 1234);
    assert_int_equal(w.fact.logs_len, LOGS);
    for (size_t i = 0; i < LOGS; i++) {
        assert_memory_equal(w.fact.logs[i].log, w.places[i].log, 32);
        assert_int_equal(w.fact.logs[i].kind, w.places[i].kind);
    }
    for (size_t i = 0; i < LOGS - 1; i++)
        assert_memory_equal(w.fact.logs[i].running, w.running[i], 32);
    assert_true(codec_bytes_are_zero(w.fact.logs[LOGS - 1].running, 32));
}

static void test_slots__of_other_logs_prove_nothing_about_these(void **state)
{
    (void)state;
    const struct connector_slot kept = w.shown[0];
    const struct trie_proof node = w.slot[0];
    /* two slots of the same contract, told in the other order: each is proven, neither is the one that was asked for */
    w.shown[0] = w.shown[1];
    w.shown[1] = kept;
    w.slot[0] = w.slot[1];
    w.slot[1] = node;
    assert_ask(LOGS, PROOF_REASON_EVIDENCE_OTHER_SLOT);
    assert_int_equal(w.result.at, 0);
    /* under its own name, and with the other's proof */
    w.shown[1] = w.shown[0];
    w.shown[0] = kept;
    assert_int_not_equal(ask(LOGS), PROOF_REASON_VALID);
}

static void test_slots__have_the_place_that_the_contracts_give_them(void **state)
{
    uint8_t input[64] = {0}, slot[32];
    (void)state;
    for (size_t i = 0; i < LOGS; i++) {
        memcpy(input, w.places[i].log, 32);
        input[63] = i == 0 ? 0 : 1;
        codec_keccak256(slot, BYTES_OF(input));
        assert_memory_equal(w.shown[i].slot, slot, 32);
    }
}

static void test_slots__a_contract_that_is_not_there_has_no_entries(void **state)
{
    uint8_t key[32];
    (void)state;
    trie_clear(&w.accounts);
    hash_of(key, "somebody else");
    trie_put(&w.accounts, BYTES_OF(key), BYTES_OF(w.running[0]));
    codec_keccak256(key, (struct bytes){account + 12, 20});
    trie_prove(&w.contract, &w.accounts, BYTES_OF(key));
    memcpy(w.header.state_root, w.contract.root, 32);
    use(PROOF_ETH_EVIDENCE_SLOT, 1);
    assert_ask(1, PROOF_REASON_STORAGE_OF_ABSENT_ACCOUNT);
    w.slot[0].count = 0;
    assert_ask(1, PROOF_REASON_VALID);
    assert_true(codec_bytes_are_zero(w.fact.logs[0].running, 32));
    w.message.evidence.items_len = 0; /* and that has to be proven */
    assert_ask(1, PROOF_REASON_MPT_EMPTY_PROOF);
}

static void test_receipts__the_last_event_of_a_block_says_where_a_log_stands(void **state)
{
    (void)state;
    use(PROOF_ETH_EVIDENCE_RECEIPTS, 2);
    assert_ask(2, PROOF_REASON_VALID);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(w.fact.logs[i].number, RECEIPTS);
        assert_int_equal(w.fact.logs[i].running[0], 0x50 + 2 * (RECEIPTS - 1) + i);
        assert_int_equal(w.fact.logs[i].running[31], 0x50 + 2 * (RECEIPTS - 1) + i);
    }
    w.events[2][1].topics[2][24] = 1; /* numbers are 64 bits wide */
    w.events[3][1] = w.events[2][1];
    block_make();
    assert_ask(2, PROOF_REASON_VALID);
    assert_true(w.fact.logs[1].number == (UINT64_C(1) << 56) + 3);
}

static void test_receipts__events_of_others_are_not_heard(void **state)
{
    (void)state;
    use(PROOF_ETH_EVIDENCE_RECEIPTS, 1);
    const struct eth_log good = w.events[3][0];
    for (size_t fault = 0; fault < 4; fault++) {
        w.events[3][0] = good;
        if (fault == 0)
            w.events[3][0].address[0] ^= 1;
        if (fault == 1)
            w.events[3][0].topics[0][0] ^= 1;
        if (fault == 2)
            w.events[3][0].topics[1][31] ^= 1;
        if (fault == 3) /* without a lane it is nobody's */
            w.events[3][0].topic_count = 1;
        block_make();
        assert_ask(1, PROOF_REASON_VALID);
        assert_int_equal(w.fact.logs[0].number, 3);
    }
}

static void test_receipts__an_event_that_the_contract_cannot_have_made_is_refused(void **state)
{
    (void)state;
    for (size_t which = 0; which < 2; which++) {
        struct eth_log *log = &w.events[1][which];
        const struct eth_log good = *log;
        use(PROOF_ETH_EVIDENCE_RECEIPTS, 2);
        log->topic_count = 2;
        block_make();
        assert_ask(2, PROOF_REASON_EVIDENCE_EVENT);
        assert_int_equal(w.result.at, which);
        log->topic_count = 4;
        block_make();
        assert_ask(2, PROOF_REASON_EVIDENCE_EVENT);
        *log = good;
        log->data.len--;
        block_make();
        assert_ask(2, PROOF_REASON_EVIDENCE_EVENT);
        log->data.len = 0;
        block_make();
        assert_ask(2, PROOF_REASON_EVIDENCE_EVENT);
        *log = good;
        block_make();
        assert_ask(2, PROOF_REASON_VALID);
    }
}

static void test_receipts__a_block_without_an_event_says_nothing(void **state)
{
    (void)state;
    use(PROOF_ETH_EVIDENCE_RECEIPTS, 2);
    for (size_t i = 0; i < RECEIPTS; i++)
        memset(w.events[i][1].topics[1], 0x22, 32);
    block_make();
    assert_ask(2, PROOF_REASON_EVIDENCE_NO_EVENT);
    assert_int_equal(w.result.at, 1);
    /* an outbox's own copy of outcomes has no events at all */
    use(PROOF_ETH_EVIDENCE_RECEIPTS, LOGS);
    w.places[1] = w.places[0];
    assert_ask(LOGS, PROOF_REASON_EVIDENCE_KIND);
    assert_int_equal(w.result.at, 2);
    w.places[2].kind = 0;
    assert_ask(LOGS, PROOF_REASON_EVIDENCE_KIND);
}

static void test_receipts__of_another_block_or_not_all_of_them_are_refused(void **state)
{
    (void)state;
    use(PROOF_ETH_EVIDENCE_RECEIPTS, 1);
    w.message.evidence.items_len--;
    assert_ask(1, PROOF_REASON_RECEIPTS_ROOT_MISMATCH);
    w.message.evidence.items_len = 0;
    assert_ask(1, PROOF_REASON_RECEIPTS_ROOT_MISMATCH);
    use(PROOF_ETH_EVIDENCE_RECEIPTS, 1);
    memcpy(w.header.receipts_root, PROOF_MPT_EMPTY_ROOT, 32);
    assert_ask(1, PROOF_REASON_RECEIPTS_ROOT_MISMATCH);
    w.message.evidence.items_len = 0; /* a block without transactions */
    assert_ask(1, PROOF_REASON_EVIDENCE_NO_EVENT);
}

static void test_evidence__is_of_the_height_the_contract_and_the_logs_that_it_names(void **state)
{
    (void)state;
    for (int kind = PROOF_ETH_EVIDENCE_SLOT; kind <= PROOF_ETH_EVIDENCE_RECEIPTS; kind++) {
        use((enum proof_eth_evidence_kind)kind, 2);
        assert_ask(2, PROOF_REASON_VALID);
        w.message.evidence.height++;
        assert_ask(2, PROOF_REASON_EVIDENCE_OTHER_HEIGHT);
        w.message.evidence.height--;
        w.message.evidence.account[31] ^= 1;
        assert_ask(2, PROOF_REASON_EVIDENCE_OTHER_ACCOUNT);
        w.message.evidence.account[31] ^= 1;
        w.message.evidence.account[0] = 1; /* 32 bytes, of which the contract has the last 20 */
        assert_ask(2, PROOF_REASON_EVIDENCE_OTHER_ACCOUNT);
        w.message.evidence.account[0] = 0;
        assert_ask(1, PROOF_REASON_EVIDENCE_LOGS);
        assert_ask(3, PROOF_REASON_EVIDENCE_LOGS);
        assert_ask(0, PROOF_REASON_EVIDENCE_LOGS);
    }
    use(PROOF_ETH_EVIDENCE_RECEIPTS, PROOF_ETH_EVIDENCE_LOGS_MAX);
    assert_ask(PROOF_ETH_EVIDENCE_LOGS_MAX + 1, PROOF_REASON_EVIDENCE_LOGS);
}

/* The root of a header that nobody made is not believed for its name. */
static void test_evidence__with_unset_roots_proves_nothing(void **state)
{
    (void)state;
    memset(w.header.state_root, 0, 32);
    assert_ask(LOGS, PROOF_REASON_TRUST_UNSET);
    use(PROOF_ETH_EVIDENCE_RECEIPTS, 1);
    memset(w.header.receipts_root, 0, 32);
    assert_ask(1, PROOF_REASON_TRUST_UNSET);
}

static void test_evidence__of_another_kind_or_message_is_malformed(void **state)
{
    static const uint8_t value[] = {0xc0};
    struct codec_pack pack;
    (void)state;
    w.message.evidence.kind = CONNECTOR_EVIDENCE_ICS23;
    w.message.evidence.proof = BYTES_OF(value);
    assert_ask(LOGS, PROOF_REASON_EVIDENCE_MALFORMED);
    assert_string_equal(proof_reason_text(ask_bytes(LOGS, (struct bytes){NULL, 0})),
                        proof_reason_text(PROOF_REASON_EVIDENCE_MALFORMED));
    w.message = (struct connector_message){.type = CONNECTOR_ASK_STATUS};
    codec_pack_init(&pack, 64);
    codec_connector_encode(&pack, &w.message);
    assert_int_equal(ask_bytes(LOGS, codec_pack_bytes(&pack)), PROOF_REASON_EVIDENCE_MALFORMED);
    codec_pack_fini(&pack);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_slots__every_log_stands_where_its_slot_says, make),
        cmocka_unit_test_setup(test_slots__of_other_logs_prove_nothing_about_these, make),
        cmocka_unit_test_setup(test_slots__have_the_place_that_the_contracts_give_them, make),
        cmocka_unit_test_setup(test_slots__a_contract_that_is_not_there_has_no_entries, make),
        cmocka_unit_test_setup(test_receipts__the_last_event_of_a_block_says_where_a_log_stands, make),
        cmocka_unit_test_setup(test_receipts__events_of_others_are_not_heard, make),
        cmocka_unit_test_setup(test_receipts__an_event_that_the_contract_cannot_have_made_is_refused, make),
        cmocka_unit_test_setup(test_receipts__a_block_without_an_event_says_nothing, make),
        cmocka_unit_test_setup(test_receipts__of_another_block_or_not_all_of_them_are_refused, make),
        cmocka_unit_test_setup(test_evidence__is_of_the_height_the_contract_and_the_logs_that_it_names, make),
        cmocka_unit_test_setup(test_evidence__with_unset_roots_proves_nothing, make),
        cmocka_unit_test_setup(test_evidence__of_another_kind_or_message_is_malformed, make),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
