/*
 * Accounts and slots: bound to root, address and slot; absence is proven or nothing is.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "proofs/codec/keccak.h"
#include "proofs/codec/rlp.h"
#include "proofs/eth_account.h"
#include "tests/unit/proofs/trie.h"

#define ACCOUNTS 40
#define SLOTS    40

/* A small state: account i has nonce i; account 3 is a contract with slots 0..SLOTS - 1, slot i holding i + 1. */
struct state {
    struct trie_proof account;
    struct trie_proof slot;
    uint8_t addresses[ACCOUNTS][20];
    uint8_t keys[ACCOUNTS][32];
    uint8_t values[ACCOUNTS][128];
    uint8_t slot_keys[SLOTS][32];
    uint8_t slot_values[SLOTS][40];
    uint8_t storage_root[32];
};

static struct trie accounts;
static struct trie slots;

static void slot_number(uint8_t out[32], size_t i)
{
    memset(out, 0, 32);
    out[31] = (uint8_t)i;
}

static void put_slots(struct state *s)
{
    trie_clear(&slots);
    for (size_t i = 0; i < SLOTS; i++) {
        uint8_t slot[32];
        struct codec_writer writer;
        slot_number(slot, i);
        codec_keccak256(s->slot_keys[i], BYTES_OF(slot));
        codec_writer_init(&writer, s->slot_values[i], sizeof s->slot_values[i]);
        codec_rlp_write_u64(&writer, i + 1);
        trie_put(&slots, BYTES_OF(s->slot_keys[i]), codec_writer_bytes(&writer));
    }
    trie_prove(&s->slot, &slots, BYTES_OF(s->slot_keys[0]));
    memcpy(s->storage_root, s->slot.root, 32);
}

static void put_accounts(struct state *s)
{
    uint8_t code_hash[32];
    codec_keccak256(code_hash, (struct bytes){NULL, 0});
    trie_clear(&accounts);
    for (size_t i = 0; i < ACCOUNTS; i++) {
        struct codec_writer writer;
        memset(s->addresses[i], (int)(i + 1), 20);
        codec_keccak256(s->keys[i], BYTES_OF(s->addresses[i]));
        codec_writer_init(&writer, s->values[i], sizeof s->values[i]);
        codec_rlp_write_u64(&writer, i);
        codec_rlp_write_u64(&writer, 1000 * i);
        codec_rlp_write_string(&writer, (struct bytes){i == 3 ? s->storage_root : PROOF_MPT_EMPTY_ROOT, 32});
        codec_rlp_write_string(&writer, BYTES_OF(code_hash));
        codec_rlp_list_end(&writer, 0);
        trie_put(&accounts, BYTES_OF(s->keys[i]), codec_writer_bytes(&writer));
    }
}

static void show_account(struct state *s, const uint8_t address[20])
{
    uint8_t key[32];
    codec_keccak256(key, (struct bytes){address, 20});
    trie_prove(&s->account, &accounts, BYTES_OF(key));
}

static void show_slot(struct state *s, const uint8_t slot[32])
{
    uint8_t key[32];
    codec_keccak256(key, (struct bytes){slot, 32});
    trie_prove(&s->slot, &slots, BYTES_OF(key));
}

static struct state world;

static int make_state(void **state)
{
    (void)state;
    put_slots(&world);
    put_accounts(&world);
    return 0;
}

static void test_every_account_is_proven_with_its_content(void **state)
{
    (void)state;
    for (size_t i = 0; i < ACCOUNTS; i++) {
        struct proof_result result;
        struct proof_eth_account_fact fact;
        show_account(&world, world.addresses[i]);
        assert_int_equal(proof_eth_account_verify(&result, &fact, world.account.root, world.addresses[i],
                                                  world.account.nodes, world.account.count),
                         PROOF_VALID);
        assert_int_equal(fact.presence, PROOF_PRESENT);
        assert_memory_equal(fact.state_root, world.account.root, 32);
        assert_memory_equal(fact.address, world.addresses[i], 20);
        assert_int_equal(fact.account.nonce, i);
        assert_int_equal(fact.account.balance[30] << 8 | fact.account.balance[31], 1000 * i);
    }
}

static void test_an_absent_account_needs_a_proof_of_absence(void **state)
{
    uint8_t address[20];
    struct proof_result result;
    struct proof_eth_account_fact fact;
    (void)state;
    memset(address, 0xee, sizeof address);
    show_account(&world, address);
    assert_int_equal(
        proof_eth_account_verify(&result, &fact, world.account.root, address, world.account.nodes, world.account.count),
        PROOF_VALID);
    assert_int_equal(fact.presence, PROOF_ABSENT);
    assert_true(codec_bytes_are_zero((const uint8_t *)&fact.account, sizeof fact.account));
    assert_int_equal(proof_eth_account_verify(&result, &fact, world.account.root, address, world.account.nodes, 0),
                     PROOF_INVALID);
    assert_int_equal(fact.presence, PROOF_UNKNOWN);
}

static void test_a_proof_of_another_address_is_refused(void **state)
{
    struct proof_result result;
    struct proof_eth_account_fact fact;
    (void)state;
    show_account(&world, world.addresses[5]);
    for (size_t i = 0; i < ACCOUNTS; i++)
        if (i != 5)
            assert_int_equal(proof_eth_account_verify(&result, &fact, world.account.root, world.addresses[i],
                                                      world.account.nodes, world.account.count),
                             PROOF_INVALID);
}

static enum proof_verdict storage(struct proof_result *result, struct proof_eth_storage_fact *fact,
                                  const uint8_t address[20], const uint8_t slot[32])
{
    return proof_eth_storage_verify(result, fact, world.account.root, address, slot, world.account.nodes,
                                    world.account.count, world.slot.nodes, world.slot.count);
}

static void test_every_slot_is_proven_with_its_value(void **state)
{
    (void)state;
    show_account(&world, world.addresses[3]);
    for (size_t i = 0; i < SLOTS + 20; i++) {
        struct proof_result result;
        struct proof_eth_storage_fact fact;
        uint8_t slot[32];
        slot_number(slot, i);
        show_slot(&world, slot);
        assert_int_equal(storage(&result, &fact, world.addresses[3], slot), PROOF_VALID);
        assert_int_equal(fact.presence, i < SLOTS ? PROOF_PRESENT : PROOF_ABSENT);
        assert_int_equal(fact.value[31], i < SLOTS ? i + 1 : 0);
        assert_memory_equal(fact.slot, slot, 32);
        assert_memory_equal(fact.address, world.addresses[3], 20);
        assert_memory_equal(fact.state_root, world.account.root, 32);
        slot[31] ^= 1;
        if (i < SLOTS)
            assert_int_equal(storage(&result, &fact, world.addresses[3], slot), PROOF_INVALID);
    }
}

static void test_a_slot_of_another_contract_is_refused(void **state)
{
    struct proof_result result;
    struct proof_eth_storage_fact fact;
    uint8_t slot[32];
    (void)state;
    slot_number(slot, 7);
    show_slot(&world, slot);
    show_account(&world, world.addresses[4]);
    assert_int_equal(storage(&result, &fact, world.addresses[4], slot), PROOF_INVALID);
    assert_int_equal(fact.presence, PROOF_UNKNOWN);
    assert_true(result.at >= world.account.count);
}

static void test_an_account_without_storage_proves_every_slot_empty(void **state)
{
    struct proof_result result;
    struct proof_eth_storage_fact fact;
    uint8_t slot[32];
    (void)state;
    slot_number(slot, 7);
    show_account(&world, world.addresses[4]);
    world.slot.count = 0;
    assert_int_equal(storage(&result, &fact, world.addresses[4], slot), PROOF_VALID);
    assert_int_equal(fact.presence, PROOF_ABSENT);
    show_account(&world, world.addresses[3]); /* which has storage: no nodes prove nothing */
    assert_int_equal(storage(&result, &fact, world.addresses[3], slot), PROOF_INVALID);
    assert_int_equal(result.reason, PROOF_REASON_MPT_EMPTY_PROOF);
}

static void test_slots_of_an_absent_account_are_absent_by_its_absence_alone(void **state)
{
    struct proof_result result;
    struct proof_eth_storage_fact fact;
    uint8_t address[20];
    uint8_t slot[32];
    (void)state;
    memset(address, 0xee, sizeof address);
    slot_number(slot, 7);
    show_account(&world, address);
    world.slot.count = 0;
    assert_int_equal(storage(&result, &fact, address, slot), PROOF_VALID);
    assert_int_equal(fact.presence, PROOF_ABSENT);
    show_slot(&world, slot);
    assert_int_equal(storage(&result, &fact, address, slot), PROOF_INVALID);
    assert_int_equal(result.reason, PROOF_REASON_STORAGE_OF_ABSENT_ACCOUNT);
    world.account.count = 0;
    world.slot.count = 0;
    assert_int_equal(storage(&result, &fact, address, slot), PROOF_INVALID);
}

static void test_an_account_fact_that_says_nothing_proves_no_slot(void **state)
{
    struct proof_eth_account_fact account = {0};
    struct proof_result result;
    struct proof_eth_storage_fact fact;
    uint8_t slot[32] = {0};
    (void)state;
    assert_int_equal(proof_eth_slot_verify(&result, &fact, &account, slot, NULL, 0), PROOF_INVALID);
    assert_int_equal(result.reason, PROOF_REASON_TRUST_UNSET);
}

static void test_every_flipped_bit_is_refused(void **state)
{
    struct proof_result result;
    struct proof_eth_storage_fact fact;
    uint8_t slot[32];
    (void)state;
    slot_number(slot, 7);
    show_account(&world, world.addresses[3]);
    show_slot(&world, slot);
    for (size_t n = 0; n < world.account.count + world.slot.count; n++) {
        struct bytes *node =
            n < world.account.count ? &world.account.nodes[n] : &world.slot.nodes[n - world.account.count];
        const uint8_t *kept = node->data;
        uint8_t copy[1024];
        for (size_t bit = 0; bit < 8 * node->len; bit++) {
            memcpy(copy, kept, node->len);
            copy[bit / 8] ^= (uint8_t)(1u << bit % 8);
            node->data = copy;
            assert_int_equal(storage(&result, &fact, world.addresses[3], slot), PROOF_INVALID);
            assert_int_equal(fact.presence, PROOF_UNKNOWN);
        }
        node->data = kept;
    }
    assert_int_equal(storage(&result, &fact, world.addresses[3], slot), PROOF_VALID);
}

/* A leaf as the trie's only entry, so that malformed leaves can be tried one by one. */
static enum proof_reason lone_account(struct bytes value)
{
    uint8_t address[20] = {1};
    uint8_t key[32];
    struct proof_result result;
    struct proof_eth_account_fact fact;
    struct trie_proof proof;
    codec_keccak256(key, BYTES_OF(address));
    trie_clear(&slots);
    trie_put(&slots, BYTES_OF(key), value);
    trie_prove(&proof, &slots, BYTES_OF(key));
    proof_eth_account_verify(&result, &fact, proof.root, address, proof.nodes, proof.count);
    return result.reason;
}

static enum proof_reason lone_slot(struct bytes value)
{
    uint8_t slot[32] = {1};
    uint8_t key[32];
    struct proof_result result;
    struct proof_eth_storage_fact fact;
    struct trie_proof proof;
    struct proof_eth_account_fact account = {.presence = PROOF_PRESENT};
    codec_keccak256(key, BYTES_OF(slot));
    trie_clear(&slots);
    trie_put(&slots, BYTES_OF(key), value);
    trie_prove(&proof, &slots, BYTES_OF(key));
    memcpy(account.account.storage_root, proof.root, 32);
    proof_eth_slot_verify(&result, &fact, &account, slot, proof.nodes, proof.count);
    return result.reason;
}

#define TEXT(literal) ((struct bytes){(const uint8_t *)(literal), sizeof(literal) - 1})

static void test_malformed_accounts_are_refused(void **state)
{
    uint8_t value[200];
    uint8_t hash[33];
    (void)state;
    for (unsigned fault = 0; fault < 10; fault++) {
        static const uint8_t unset[32];
        struct codec_writer writer;
        memset(hash, 0x33, sizeof hash);
        codec_writer_init(&writer, value, sizeof value);
        if (fault == 1)
            codec_write_u8(&writer, 0); /* a nonce with a leading zero */
        else
            codec_rlp_write_u64(&writer, 5);
        if (fault == 2)
            codec_rlp_write_string(&writer, (struct bytes){hash, 33});
        else
            codec_rlp_write_u64(&writer, 6);
        codec_rlp_write_string(&writer, (struct bytes){fault == 8 ? unset : hash, fault == 3 ? 31 : 32});
        if (fault != 4)
            codec_rlp_write_string(&writer, (struct bytes){fault == 9 ? unset : hash, fault == 5 ? 33 : 32});
        if (fault == 6)
            codec_rlp_write_u64(&writer, 1);
        codec_rlp_list_end(&writer, 0);
        if (fault == 7)
            codec_write_u8(&writer, 0x80);
        assert_int_equal(lone_account(codec_writer_bytes(&writer)),
                         fault == 0 ? PROOF_REASON_VALID : PROOF_REASON_ACCOUNT_MALFORMED);
    }
    assert_int_equal(lone_account(TEXT("\x05")), PROOF_REASON_ACCOUNT_MALFORMED);
}

static void test_malformed_slot_values_are_refused(void **state)
{
    (void)state;
    assert_int_equal(lone_slot(TEXT("\x05")), PROOF_REASON_VALID);
    assert_int_equal(lone_slot(TEXT("\x82\x01\x00")), PROOF_REASON_VALID);
    assert_int_equal(lone_slot(TEXT("\x80")), PROOF_REASON_STORAGE_MALFORMED);
    assert_int_equal(lone_slot(TEXT("\x00")), PROOF_REASON_STORAGE_MALFORMED);
    assert_int_equal(lone_slot(TEXT("\x82\x00\x01")), PROOF_REASON_STORAGE_MALFORMED);
    assert_int_equal(lone_slot(TEXT("\x81\x05")), PROOF_REASON_STORAGE_MALFORMED);
    assert_int_equal(lone_slot(TEXT("\xc1\x05")), PROOF_REASON_STORAGE_MALFORMED);
    assert_int_equal(lone_slot(TEXT("\x05\x05")), PROOF_REASON_STORAGE_MALFORMED);
    assert_int_equal(lone_slot(TEXT("\xa1"
                                    "0123456789abcdef0123456789abcdefX")),
                     PROOF_REASON_STORAGE_MALFORMED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_account_is_proven_with_its_content),
        cmocka_unit_test(test_an_absent_account_needs_a_proof_of_absence),
        cmocka_unit_test(test_a_proof_of_another_address_is_refused),
        cmocka_unit_test(test_every_slot_is_proven_with_its_value),
        cmocka_unit_test(test_a_slot_of_another_contract_is_refused),
        cmocka_unit_test(test_an_account_without_storage_proves_every_slot_empty),
        cmocka_unit_test(test_slots_of_an_absent_account_are_absent_by_its_absence_alone),
        cmocka_unit_test(test_an_account_fact_that_says_nothing_proves_no_slot),
        cmocka_unit_test(test_every_flipped_bit_is_refused),
        cmocka_unit_test(test_malformed_accounts_are_refused),
        cmocka_unit_test(test_malformed_slot_values_are_refused),
    };
    return cmocka_run_group_tests(tests, make_state, NULL);
}
