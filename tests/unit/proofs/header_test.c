/*
 * Headers of every fork: what the encoder writes is read back, and nothing else is taken.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "proofs/codec/hex.h"
#include "proofs/codec/keccak.h"
#include "proofs/codec/rlp.h"
#include "proofs/eth_header.h"

static const enum eth_fork forks[] = {ETH_FORK_FRONTIER, ETH_FORK_LONDON, ETH_FORK_SHANGHAI, ETH_FORK_CANCUN,
                                      ETH_FORK_PRAGUE};
static uint8_t bloom[256];

static struct eth_header sample(enum eth_fork fork)
{
    static const uint8_t extra[] = "made by a test";
    struct eth_header h = {
        .fork = fork, .number = 0x14e8d38, .gas_limit = 30000000, .gas_used = 0, .timestamp = 1740508595};
    memset(h.parent_hash, 1, 32);
    memset(h.ommers_hash, 2, 32);
    memset(h.beneficiary, 3, 20);
    memset(h.state_root, 4, 32);
    memset(h.transactions_root, 5, 32);
    memset(h.receipts_root, 6, 32);
    memset(bloom, 7, sizeof bloom);
    h.logs_bloom = BYTES_OF(bloom);
    h.difficulty[20] = 8;
    h.extra_data = (struct bytes){extra, sizeof extra - 1};
    memset(h.mix_hash, 9, 32);
    memset(h.nonce, 10, 8);
    if (fork >= ETH_FORK_LONDON)
        h.base_fee[31] = 7;
    if (fork >= ETH_FORK_SHANGHAI)
        memset(h.withdrawals_root, 11, 32);
    if (fork >= ETH_FORK_CANCUN) {
        h.blob_gas_used = 131072;
        h.excess_blob_gas = UINT64_MAX;
        memset(h.parent_beacon_root, 12, 32);
    }
    if (fork >= ETH_FORK_PRAGUE)
        memset(h.requests_hash, 13, 32);
    return h;
}

static struct bytes encode(uint8_t *out, size_t cap, const struct eth_header *header)
{
    struct codec_writer writer;
    codec_writer_init(&writer, out, cap);
    codec_eth_header_write(&writer, header);
    return codec_writer_bytes(&writer);
}

static void assert_same(const struct eth_header *a, const struct eth_header *b)
{
    struct eth_header x = *a;
    struct eth_header y = *b;
    assert_true(codec_bytes_equal(x.logs_bloom, y.logs_bloom));
    assert_true(codec_bytes_equal(x.extra_data, y.extra_data));
    x.logs_bloom = y.logs_bloom;
    x.extra_data = y.extra_data;
    assert_memory_equal(&x, &y, sizeof x);
}

static void test_headers_of_every_fork_are_read_back(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof forks / sizeof forks[0]; i++) {
        uint8_t buffer[1024];
        uint8_t hash[32];
        struct eth_header header = sample(forks[i]);
        struct proof_result result;
        struct eth_header parsed;
        struct proof_eth_header_fact fact;
        struct bytes rlp = encode(buffer, sizeof buffer, &header);
        assert_int_equal(proof_eth_header_parse(&result, &parsed, rlp), PROOF_VALID);
        assert_same(&parsed, &header);
        codec_keccak256(hash, rlp);
        assert_int_equal(proof_eth_header_verify(&result, &fact, hash, rlp), PROOF_VALID);
        assert_memory_equal(fact.hash, hash, 32);
        assert_same(&fact.header, &header);
    }
}

/* The genesis block of Ethereum's main network, from its published fields and hash. */
static void test_the_genesis_header_has_its_published_hash(void **state)
{
    struct eth_header h = {.fork = ETH_FORK_FRONTIER, .gas_limit = 5000};
    uint8_t empty_bloom[256] = {0};
    uint8_t buffer[1024];
    uint8_t extra[32];
    uint8_t hash[32];
    char text[65];
    const char *ommers = "1dcc4de8dec75d7aab85b567b6ccd41ad312451b948a7413f0a142fd40d49347";
    const char *root = "d7f8974fb5ac78d9ac099b9ad5018bedc2ce0a72dad1827a1709da30580f0544";
    const char *empty = "56e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421";
    const char *data = "11bbe8db4e347b4e8c937c1c8370e4b5ed33adb3db69cbdb7a38e1e50b1b82fa";
    (void)state;
    assert_true(codec_hex_decode_exact(h.ommers_hash, 32, ommers, 64));
    assert_true(codec_hex_decode_exact(h.state_root, 32, root, 64));
    assert_true(codec_hex_decode_exact(h.transactions_root, 32, empty, 64));
    assert_true(codec_hex_decode_exact(h.receipts_root, 32, empty, 64));
    assert_true(codec_hex_decode_exact(extra, 32, data, 64));
    assert_true(codec_hex_decode_u256(h.difficulty, "0x400000000", 11));
    h.extra_data = BYTES_OF(extra);
    h.logs_bloom = BYTES_OF(empty_bloom);
    h.nonce[7] = 0x42;
    codec_keccak256(hash, encode(buffer, sizeof buffer, &h));
    codec_hex_encode(text, BYTES_OF(hash));
    assert_string_equal(text, "d4e56740f876aef8c010b86a40d5f56745a118d0906a34e69aec8c0db1cb8fa3");
}

static void test_every_flipped_bit_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof forks / sizeof forks[0]; i++) {
        uint8_t buffer[1024];
        uint8_t hash[32];
        struct eth_header header = sample(forks[i]);
        struct proof_result result;
        struct proof_eth_header_fact fact;
        struct bytes rlp = encode(buffer, sizeof buffer, &header);
        codec_keccak256(hash, rlp);
        for (size_t bit = 0; bit < 8 * rlp.len; bit++) {
            buffer[bit / 8] ^= (uint8_t)(1u << bit % 8);
            assert_int_equal(proof_eth_header_verify(&result, &fact, hash, rlp), PROOF_INVALID);
            assert_true(codec_bytes_are_zero((const uint8_t *)&fact, sizeof fact));
            buffer[bit / 8] ^= (uint8_t)(1u << bit % 8);
        }
        hash[0] ^= 0x80;
        assert_int_equal(proof_eth_header_verify(&result, &fact, hash, rlp), PROOF_INVALID);
        assert_int_equal(result.reason, PROOF_REASON_HEADER_HASH_MISMATCH);
        memset(hash, 0, sizeof hash);
        assert_int_equal(proof_eth_header_verify(&result, &fact, hash, rlp), PROOF_INVALID);
        assert_int_equal(result.reason, PROOF_REASON_TRUST_UNSET);
    }
}

/* Splits a Prague header into its 21 items and puts the given ones together again. */
static struct bytes rebuild(uint8_t *out, size_t cap, size_t count, size_t replace, struct bytes with)
{
    uint8_t buffer[1024];
    struct eth_header header = sample(ETH_FORK_PRAGUE);
    struct codec_rlp top;
    struct codec_rlp_item item;
    struct bytes last = {NULL, 0};
    struct codec_writer writer;
    codec_rlp_init(&top, encode(buffer, sizeof buffer, &header));
    struct codec_rlp list = codec_rlp_read_list(&top);
    codec_writer_init(&writer, out, cap);
    for (size_t i = 0; i < count; i++) {
        if (codec_rlp_next(&item, &list)) /* past the end the last item stays */
            last = item.raw;
        codec_rlp_write_raw(&writer, i == replace ? with : last);
    }
    codec_rlp_list_end(&writer, 0);
    return codec_writer_bytes(&writer);
}

static enum proof_reason parse(size_t *at, struct bytes rlp)
{
    struct proof_result result;
    struct eth_header header;
    proof_eth_header_parse(&result, &header, rlp);
    *at = result.at;
    return result.reason;
}

static void test_only_the_field_counts_of_the_forks_are_headers(void **state)
{
    (void)state;
    for (size_t count = 0; count <= 24; count++) {
        uint8_t out[2048];
        size_t at;
        enum proof_reason reason = parse(&at, rebuild(out, sizeof out, count, SIZE_MAX, (struct bytes){NULL, 0}));
        bool known = count == 15 || count == 16 || count == 17 || count == 20 || count == 21;
        assert_int_equal(reason, known ? PROOF_REASON_VALID : PROOF_REASON_HEADER_FIELD_COUNT);
    }
}

static void test_every_field_has_its_exact_form(void **state)
{
    static const uint8_t list[] = {0xc0};
    static const uint8_t zero_led[] = {0x82, 0x00, 0x01};
    static const uint8_t short_string[] = {0x82, 0x01, 0x01};
    static const size_t integers[] = {7, 8, 9, 10, 11, 15, 17, 18};
    uint8_t out[2048];
    size_t at;
    (void)state;
    for (size_t field = 0; field < 21; field++) {
        assert_int_equal(parse(&at, rebuild(out, sizeof out, 21, field, BYTES_OF(list))),
                         PROOF_REASON_HEADER_BAD_FIELD);
        assert_int_equal(at, field);
        bool integer = false;
        for (size_t i = 0; i < sizeof integers / sizeof integers[0]; i++)
            integer = integer || integers[i] == field;
        enum proof_reason reason = parse(&at, rebuild(out, sizeof out, 21, field, BYTES_OF(zero_led)));
        assert_int_equal(reason, field == 12 ? PROOF_REASON_VALID : PROOF_REASON_HEADER_BAD_FIELD);
        reason = parse(&at, rebuild(out, sizeof out, 21, field, BYTES_OF(short_string)));
        assert_int_equal(reason, field == 12 || integer ? PROOF_REASON_VALID : PROOF_REASON_HEADER_BAD_FIELD);
    }
}

static void test_trailing_bytes_and_oversize_are_refused(void **state)
{
    static uint8_t big[ETH_HEADER_BYTES_MAX + 1];
    uint8_t buffer[1024];
    size_t at;
    struct eth_header header = sample(ETH_FORK_CANCUN);
    (void)state;
    struct bytes rlp = encode(buffer, sizeof buffer, &header);
    buffer[rlp.len] = 0x80;
    assert_int_equal(parse(&at, (struct bytes){buffer, rlp.len + 1}), PROOF_REASON_RLP_TRAILING);
    assert_int_equal(parse(&at, (struct bytes){buffer, rlp.len - 1}), PROOF_REASON_RLP_NOT_CANONICAL);
    assert_int_equal(parse(&at, (struct bytes){NULL, 0}), PROOF_REASON_RLP_NOT_CANONICAL);
    assert_int_equal(parse(&at, BYTES_OF(big)), PROOF_REASON_TOO_LARGE);
}

static void test_the_encoder_refuses_what_is_no_header(void **state)
{
    uint8_t buffer[1024];
    struct eth_header header = sample(ETH_FORK_LONDON);
    (void)state;
    assert_non_null(encode(buffer, sizeof buffer, &header).data);
    assert_null(encode(buffer, 500, &header).data);
    header.fork = ETH_FORK_NONE;
    assert_null(encode(buffer, sizeof buffer, &header).data);
    header.fork = ETH_FORK_LONDON;
    header.logs_bloom.len = 255;
    assert_null(encode(buffer, sizeof buffer, &header).data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_headers_of_every_fork_are_read_back),
        cmocka_unit_test(test_the_genesis_header_has_its_published_hash),
        cmocka_unit_test(test_every_flipped_bit_is_refused),
        cmocka_unit_test(test_only_the_field_counts_of_the_forks_are_headers),
        cmocka_unit_test(test_every_field_has_its_exact_form),
        cmocka_unit_test(test_trailing_bytes_and_oversize_are_refused),
        cmocka_unit_test(test_the_encoder_refuses_what_is_no_header),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
