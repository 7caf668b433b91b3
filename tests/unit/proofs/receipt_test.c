/*
 * Receipts: strict forms, whole blocks of every size against a second trie, and logs found in order.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "proofs/eth_receipt.h"
#include "proofs/mpt.h"
#include "tests/unit/proofs/trie.h"

#define RECEIPTS 300

static struct trie trie;
static uint8_t bloom[256];
static uint8_t space[RECEIPTS][1200];
static struct bytes receipts[RECEIPTS];

/* Receipt number i: types 0..4 in turn, i mod 4 logs, of addresses 0x11.. and 0x22.., log k with k topics. */
static struct bytes make_receipt(uint8_t *out, size_t cap, size_t i)
{
    static const uint8_t data[] = "log data";
    struct eth_receipt receipt = {.type = (uint8_t)(i % 5), .status = i % 3 != 0, .cumulative_gas = 21000 * (i + 1)};
    struct eth_log logs[4] = {{.topic_count = 0}};
    struct codec_writer writer;
    receipt.logs_bloom = BYTES_OF(bloom);
    for (size_t k = 0; k < i % 4; k++) {
        memset(logs[k].address, i % 2 == 0 ? 0x11 : 0x22, 20);
        logs[k].topic_count = k + 1;
        for (size_t t = 0; t <= k; t++)
            memset(logs[k].topics[t], (int)(0xa0 + t), 32);
        logs[k].data = (struct bytes){data, k};
    }
    codec_writer_init(&writer, out, cap);
    codec_eth_receipt_write(&writer, &receipt, logs, i % 4);
    assert_false(writer.failed);
    return codec_writer_bytes(&writer);
}

static int make_block(void **state)
{
    (void)state;
    for (size_t i = 0; i < RECEIPTS; i++)
        receipts[i] = make_receipt(space[i], sizeof space[i], i);
    return 0;
}

/* The receipts root of the first count receipts, by the plain trie; and the proof of one of them. */
static void plain_trie(struct trie_proof *proof, size_t count, size_t index)
{
    static uint8_t keys[RECEIPTS][9];
    uint8_t key[9];
    trie_clear(&trie);
    for (size_t i = 0; i < count; i++)
        trie_put(&trie, (struct bytes){keys[i], codec_eth_index_key(keys[i], i)}, receipts[i]);
    size_t len = codec_eth_index_key(key, index);
    trie_prove(proof, &trie, (struct bytes){key, len});
}

static void test_blocks_of_every_size_have_the_root_of_the_plain_trie(void **state)
{
    (void)state;
    for (size_t count = 0; count <= RECEIPTS; count++) {
        struct trie_proof proof;
        struct proof_result result;
        struct proof_eth_receipts_fact fact;
        plain_trie(&proof, count, 0);
        assert_int_equal(proof_eth_receipts_verify(&result, &fact, proof.root, receipts, count), PROOF_VALID);
        assert_int_equal(fact.count, count);
        assert_memory_equal(fact.receipts_root, proof.root, 32);
        if (count == 0)
            continue;
        assert_int_equal(proof_eth_receipts_verify(&result, &fact, proof.root, receipts, count - 1), PROOF_INVALID);
        assert_int_equal(result.reason, PROOF_REASON_RECEIPTS_ROOT_MISMATCH);
        assert_int_equal(fact.count, 0);
    }
}

static void test_no_receipt_may_be_missing_double_swapped_or_of_another_block(void **state)
{
    struct trie_proof proof;
    struct proof_result result;
    struct proof_eth_receipts_fact fact;
    struct bytes list[21];
    (void)state;
    plain_trie(&proof, 20, 0);
    for (size_t i = 0; i < 20; i++) {
        memcpy(list, receipts, sizeof list);
        memmove(list + i, list + i + 1, (20 - i) * sizeof list[0]);
        assert_int_equal(proof_eth_receipts_verify(&result, &fact, proof.root, list, 19), PROOF_INVALID);
        memcpy(list, receipts, sizeof list);
        memmove(list + i + 1, list + i, (20 - i) * sizeof list[0]);
        assert_int_equal(proof_eth_receipts_verify(&result, &fact, proof.root, list, 21), PROOF_INVALID);
        memcpy(list, receipts, sizeof list);
        list[i] = receipts[(i + 1) % 20];
        list[(i + 1) % 20] = receipts[i];
        assert_int_equal(proof_eth_receipts_verify(&result, &fact, proof.root, list, 20), PROOF_INVALID);
        memcpy(list, receipts, sizeof list);
        list[i] = receipts[100 + i];
        assert_int_equal(proof_eth_receipts_verify(&result, &fact, proof.root, list, 20), PROOF_INVALID);
    }
}

static void test_more_receipts_than_any_block_has_are_not_looked_at(void **state)
{
    static const uint8_t root[32] = {1};
    struct proof_result result;
    struct proof_eth_receipts_fact fact;
    (void)state;
    assert_int_equal(proof_eth_receipts_verify(&result, &fact, root, NULL, PROOF_ETH_RECEIPTS_MAX + 1), PROOF_INVALID);
    assert_int_equal(result.reason, PROOF_REASON_TOO_LARGE);
}

static void test_every_flipped_bit_is_refused(void **state)
{
    struct trie_proof proof;
    struct proof_result result;
    struct proof_eth_receipts_fact fact;
    (void)state;
    plain_trie(&proof, 4, 0);
    for (size_t i = 0; i < 4; i++) {
        for (size_t bit = 0; bit < 8 * receipts[i].len; bit++) {
            space[i][bit / 8] ^= (uint8_t)(1u << bit % 8);
            assert_int_equal(proof_eth_receipts_verify(&result, &fact, proof.root, receipts, 4), PROOF_INVALID);
            space[i][bit / 8] ^= (uint8_t)(1u << bit % 8);
        }
    }
    memset(proof.root, 0, 32);
    assert_int_equal(proof_eth_receipts_verify(&result, &fact, proof.root, receipts, 4), PROOF_INVALID);
    assert_int_equal(result.reason, PROOF_REASON_TRUST_UNSET);
}

/* PROOFS: receipts of another index. Index 0 is the key 0x80, never 0x00 or the empty string. */
static void test_a_receipt_is_proven_at_its_own_index_only(void **state)
{
    static const uint8_t zero[1] = {0};
    struct trie_proof proof;
    struct proof_result result;
    struct proof_mpt_fact fact;
    (void)state;
    for (size_t index = 0; index < 200; index += 13) {
        plain_trie(&proof, 200, index);
        for (size_t other = 0; other < 210; other++) {
            uint8_t key[9];
            size_t len = codec_eth_index_key(key, other);
            enum proof_verdict verdict =
                proof_mpt_verify(&result, &fact, proof.root, (struct bytes){key, len}, proof.nodes, proof.count);
            if (other == index)
                assert_true(verdict == PROOF_VALID && codec_bytes_equal(fact.value, receipts[index]));
            else
                assert_true(verdict != PROOF_VALID || fact.presence == PROOF_ABSENT);
            assert_true(verdict != PROOF_VALID || other == index || other >= 200);
        }
    }
    plain_trie(&proof, 200, 0);
    assert_true(proof_mpt_verify(&result, &fact, proof.root, BYTES_OF(zero), proof.nodes, proof.count) != PROOF_VALID ||
                fact.presence == PROOF_ABSENT);
}

static void test_receipts_are_read_back(void **state)
{
    (void)state;
    for (size_t i = 0; i < 20; i++) {
        struct proof_result result;
        struct eth_receipt receipt;
        struct codec_rlp logs;
        struct eth_log log;
        size_t count = 0;
        assert_int_equal(proof_eth_receipt_parse(&result, &receipt, &logs, receipts[i]), PROOF_VALID);
        assert_int_equal(receipt.type, i % 5);
        assert_int_equal(receipt.status, i % 3 != 0);
        assert_false(receipt.has_state_root);
        assert_int_equal(receipt.cumulative_gas, 21000 * (i + 1));
        while (proof_eth_log_next(&log, &logs)) {
            count++;
            assert_int_equal(log.topic_count, count);
            assert_int_equal(log.data.len, count - 1);
        }
        assert_int_equal(count, i % 4);
    }
}

static enum proof_reason parse(struct bytes receipt)
{
    struct proof_result result;
    struct eth_receipt out;
    struct codec_rlp logs;
    proof_eth_receipt_parse(&result, &out, &logs, receipt);
    return result.reason;
}

/* A receipt from parts that are already RLP. */
static struct bytes assemble(uint8_t *out, size_t cap, const char *status, size_t bloom_len, struct bytes logs)
{
    struct codec_writer writer;
    codec_writer_init(&writer, out, cap);
    codec_rlp_write_raw(&writer, (struct bytes){(const uint8_t *)status, status[0] == '\0' ? 1 : strlen(status)});
    codec_rlp_write_u64(&writer, 21000);
    codec_rlp_write_string(&writer, (struct bytes){bloom, bloom_len});
    codec_rlp_write_raw(&writer, logs);
    codec_rlp_list_end(&writer, 0);
    return codec_writer_bytes(&writer);
}

static void test_receipts_in_any_other_form_are_refused(void **state)
{
    static const uint8_t none[] = {0xc0};
    static const uint8_t text[] = {0x80};
    static const char root[] = "\xa0"
                               "0123456789abcdef0123456789abcdef";
    uint8_t out[600];
    (void)state;
    assert_int_equal(parse(assemble(out, sizeof out, "\x01", 256, BYTES_OF(none))), PROOF_REASON_VALID);
    assert_int_equal(parse(assemble(out, sizeof out, "\x80", 256, BYTES_OF(none))), PROOF_REASON_VALID);
    assert_int_equal(parse(assemble(out, sizeof out, root, 256, BYTES_OF(none))), PROOF_REASON_VALID);
    assert_int_equal(parse(assemble(out, sizeof out, "\x02", 256, BYTES_OF(none))), PROOF_REASON_RECEIPT_MALFORMED);
    assert_int_equal(parse(assemble(out, sizeof out, "", 256, BYTES_OF(none))), PROOF_REASON_RECEIPT_MALFORMED);
    assert_int_equal(parse(assemble(out, sizeof out, "\x01", 255, BYTES_OF(none))), PROOF_REASON_RECEIPT_MALFORMED);
    assert_int_equal(parse(assemble(out, sizeof out, "\x01", 256, BYTES_OF(text))), PROOF_REASON_RECEIPT_MALFORMED);
    assert_int_equal(parse((struct bytes){NULL, 0}), PROOF_REASON_RECEIPT_TYPE);
    uint8_t typed[601];
    struct bytes inner = assemble(typed + 1, sizeof typed - 1, root, 256, BYTES_OF(none));
    typed[0] = 2; /* only receipts from before types have a state root */
    assert_int_equal(parse((struct bytes){typed, inner.len + 1}), PROOF_REASON_RECEIPT_MALFORMED);
    inner = assemble(typed + 1, sizeof typed - 1, "\x01", 256, BYTES_OF(none));
    for (unsigned type = 0; type < 0xc0; type++) {
        typed[0] = (uint8_t)type;
        assert_int_equal(parse((struct bytes){typed, inner.len + 1}),
                         type >= 1 && type <= 4 ? PROOF_REASON_VALID : PROOF_REASON_RECEIPT_TYPE);
    }
    typed[0] = 2;
    typed[inner.len + 1] = 0;
    assert_int_equal(parse((struct bytes){typed, inner.len + 2}), PROOF_REASON_RLP_TRAILING);
}

static void test_logs_in_any_other_form_are_refused(void **state)
{
    uint8_t logs[400];
    uint8_t out[1000];
    uint8_t address[21] = {0};
    uint8_t topic[33] = {0};
    (void)state;
    for (unsigned fault = 0; fault < 8; fault++) {
        struct codec_writer writer;
        codec_writer_init(&writer, logs, sizeof logs);
        codec_rlp_write_string(&writer, (struct bytes){address, fault == 1 ? 21 : fault == 2 ? 19 : 20});
        size_t mark = codec_rlp_list_begin(&writer);
        for (unsigned t = 0; t < (fault == 3 ? 5 : 4); t++)
            codec_rlp_write_string(&writer, (struct bytes){topic, fault == 4 ? 33 : fault == 5 ? 31 : 32});
        codec_rlp_list_end(&writer, mark);
        if (fault == 6)
            codec_rlp_write_list_header(&writer, 0);
        else
            codec_rlp_write_string(&writer, BYTES_OF(topic));
        if (fault == 7)
            codec_rlp_write_u64(&writer, 1);
        codec_rlp_list_end(&writer, 0);
        codec_rlp_list_end(&writer, 0);
        enum proof_reason reason = parse(assemble(out, sizeof out, "\x01", 256, codec_writer_bytes(&writer)));
        assert_int_equal(reason, fault == 0 ? PROOF_REASON_VALID : PROOF_REASON_RECEIPT_MALFORMED);
    }
}

static void test_logs_are_found_by_address_and_topic_in_order(void **state)
{
    struct trie_proof proof;
    struct proof_result result;
    struct proof_eth_receipts_fact block;
    struct proof_eth_log_walk walk = {0};
    struct eth_log log;
    uint8_t address[20];
    uint8_t topic[32];
    size_t found = 0;
    size_t index = 0;
    (void)state;
    memset(address, 0x22, sizeof address);
    memset(topic, 0xa0, sizeof topic);
    plain_trie(&proof, 50, 0);
    assert_int_equal(proof_eth_receipts_verify(&result, &block, proof.root, receipts, 50), PROOF_VALID);
    for (size_t i = 0; i < 50; i++) {
        for (size_t k = 0; k < i % 4; k++, index++) {
            if (i % 2 == 0)
                continue;
            assert_true(proof_eth_log_find(&log, &walk, &block, address, topic));
            assert_int_equal(walk.receipt, i);
            assert_int_equal(walk.log_index, index);
            assert_int_equal(log.data.len, k);
            found++;
        }
    }
    assert_true(found > 0);
    assert_false(proof_eth_log_find(&log, &walk, &block, address, topic));
    assert_false(proof_eth_log_find(&log, &walk, &block, address, topic));
    topic[0] ^= 1;
    walk = (struct proof_eth_log_walk){0};
    assert_false(proof_eth_log_find(&log, &walk, &block, address, topic));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_blocks_of_every_size_have_the_root_of_the_plain_trie),
        cmocka_unit_test(test_no_receipt_may_be_missing_double_swapped_or_of_another_block),
        cmocka_unit_test(test_more_receipts_than_any_block_has_are_not_looked_at),
        cmocka_unit_test(test_every_flipped_bit_is_refused),
        cmocka_unit_test(test_a_receipt_is_proven_at_its_own_index_only),
        cmocka_unit_test(test_receipts_are_read_back),
        cmocka_unit_test(test_receipts_in_any_other_form_are_refused),
        cmocka_unit_test(test_logs_in_any_other_form_are_refused),
        cmocka_unit_test(test_logs_are_found_by_address_and_topic_in_order),
    };
    return cmocka_run_group_tests(tests, make_block, NULL);
}
