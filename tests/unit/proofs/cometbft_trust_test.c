/*
 * What a light client remembers, how it gets to far heights, what freezes it, and evidence of logs under its headers.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "proofs/codec/ics23.h"
#include "proofs/codec/pack.h"
#include "proofs/cometbft_evidence.h"
#include "proofs/cometbft_trust.h"
#include "tests/unit/proofs/cometbft_world.h"

enum { HEIGHTS = 40, TURN = 5 };

static struct proof_cometbft_space *space;
static struct proof_result last;
static struct proof_cometbft_options options;

/* A chain whose set loses its oldest validator and gets a new one every TURN heights. Heights from 1. */
static struct world_set sets[HEIGHTS + 2];
static struct world_block blocks[HEIGHTS + 1];

static int make_chain(void **state)
{
    (void)state;
    space = proof_cometbft_space_new(WORLD_SET_MAX, 0);
    for (size_t h = 1; h <= HEIGHTS + 1; h++) {
        struct world_member members[4];
        for (size_t i = 0; i < 4; i++)
            members[i] = (struct world_member){h / TURN + i, 10};
        world_set_make(&sets[h], space, members, 4);
    }
    for (size_t h = 1; h <= HEIGHTS; h++)
        world_block_make(&blocks[h], &sets[h], &sets[h + 1], (int64_t)h, NULL);
    options = world_options(HEIGHTS, 1, 3);
    return space ? 0 : -1;
}

static int free_chain(void **state)
{
    (void)state;
    proof_cometbft_space_free(space);
    return 0;
}

static struct proof_cometbft_trust begun(size_t height)
{
    struct proof_cometbft_trust trust = {0};
    assert_int_equal(proof_cometbft_trust_begin(&last, &trust, space, WORLD_CHAIN, (int64_t)height, blocks[height].hash,
                                                world_block_parts(&blocks[height]), &options),
                     PROOF_VALID);
    return trust;
}

static enum proof_verdict advance(struct proof_cometbft_trust *trust, struct world_block *block)
{
    return proof_cometbft_trust_advance(&last, trust, space, world_set_bytes(&sets[trust->latest.height + 1]),
                                        world_block_parts(block), &options);
}

static struct bytes written(uint8_t *out, size_t cap, const struct proof_cometbft_trust *trust)
{
    struct codec_writer writer;
    codec_writer_init(&writer, out, cap);
    proof_cometbft_trust_write(&writer, trust);
    assert_false(writer.failed);
    return codec_writer_bytes(&writer);
}

static void test_trust__begins_with_what_an_operator_gave_and_nothing_else(void **state)
{
    struct proof_cometbft_trust trust = {0};
    uint8_t hash[32];
    (void)state;
    memcpy(hash, blocks[3].hash, 32);
    hash[0] ^= 1;
    assert_int_equal(
        proof_cometbft_trust_begin(&last, &trust, space, WORLD_CHAIN, 3, hash, world_block_parts(&blocks[3]), &options),
        PROOF_INVALID);
    assert_int_equal(last.reason, PROOF_REASON_HEADER_HASH_MISMATCH);
    assert_int_equal(proof_cometbft_trust_begin(&last, &trust, space, WORLD_CHAIN, 4, blocks[3].hash,
                                                world_block_parts(&blocks[3]), &options),
                     PROOF_INVALID);
    for (size_t len = 0; len <= COMETBFT_CHAIN_ID_MAX + 1; len += COMETBFT_CHAIN_ID_MAX + 1) {
        static const uint8_t name[COMETBFT_CHAIN_ID_MAX + 1];
        assert_int_equal(proof_cometbft_trust_begin(&last, &trust, space, (struct bytes){name, len}, 3, blocks[3].hash,
                                                    world_block_parts(&blocks[3]), &options),
                         PROOF_INVALID);
        assert_int_equal(last.reason, PROOF_REASON_TRUST_UNSET);
    }
    assert_int_equal(trust.changes, 0);
    trust = begun(3);
    assert_int_equal(trust.latest.height, 3);
    assert_int_equal(trust.changes, 1);
}

static void assert_no_beginning(struct world_block *block, const struct proof_cometbft_options *with,
                                enum proof_reason reason)
{
    struct proof_cometbft_trust trust = {0};
    assert_int_equal(proof_cometbft_trust_begin(&last, &trust, space, WORLD_CHAIN, block->light.header.height,
                                                block->hash, world_block_parts(block), with),
                     reason == PROOF_REASON_VALID ? PROOF_VALID : PROOF_INVALID);
    assert_string_equal(proof_reason_text(last.reason), proof_reason_text(reason));
}

static void test_trust__begins_within_the_trusting_period_and_with_a_next_set(void **state)
{
    static struct world_block block;
    struct proof_cometbft_options with = options;
    (void)state;
    world_block_make(&block, &sets[3], &sets[4], 3, NULL);
    const struct cometbft_time time = block.light.header.time;
    with.now = cometbft_time_add(time, with.trusting_period - 1);
    assert_no_beginning(&block, &with, PROOF_REASON_VALID);
    with.now = cometbft_time_add(time, with.trusting_period);
    assert_no_beginning(&block, &with, PROOF_REASON_COMETBFT_EXPIRED);
    with.now = (struct cometbft_time){time.seconds - 10, time.nanos};
    assert_no_beginning(&block, &with, PROOF_REASON_COMETBFT_FUTURE);
    with.now.nanos++;
    assert_no_beginning(&block, &with, PROOF_REASON_VALID);
    with.trust_denominator = 0;
    assert_no_beginning(&block, &with, PROOF_REASON_COMETBFT_OPTIONS);
    with.trust_denominator = 3;
    block.light.header.next_validators_hash = (struct bytes){NULL, 0};
    world_block_sign(&block);
    assert_no_beginning(&block, &with, PROOF_REASON_COMETBFT_NEXT_SET_HASH);
}

/* Shows `parent` as the one before a trusted block that names its hash. */
static void assert_parent(struct world_block *parent, size_t more, enum proof_reason reason)
{
    static struct world_block child;
    uint8_t bytes[2048];
    struct codec_writer writer;
    struct proof_cometbft_state fact;
    world_block_make(&child, &sets[9], &sets[10], 9, NULL);
    world_block_sign(parent);
    child.light.header.last_block_id.hash = BYTES_OF(parent->hash);
    world_block_sign(&child);
    const struct proof_cometbft_state trusted = world_state(&child);
    codec_writer_init(&writer, bytes, sizeof bytes);
    cometbft_header_write(&writer, &parent->light.header);
    for (size_t i = 0; i < more; i++)
        codec_write_u8(&writer, i % 2 ? 1 : 0x78); /* field 15, which no header has */
    assert_int_equal(proof_cometbft_parent_verify(&last, &fact, &trusted, codec_writer_bytes(&writer)),
                     reason == PROOF_REASON_VALID ? PROOF_VALID : PROOF_INVALID);
    assert_string_equal(proof_reason_text(last.reason), proof_reason_text(reason));
}

/* A hash names one header, but not that this one could be the parent: whoever signed the child may have named anything. */
static void test_parent__is_of_this_chain_one_height_down_and_earlier(void **state)
{
    static const uint8_t another[] = "world-2";
    static struct world_block parent;
    (void)state;
    world_block_make(&parent, &sets[8], &sets[9], 8, NULL);
    assert_parent(&parent, 0, PROOF_REASON_VALID);
    assert_parent(&parent, 2, PROOF_REASON_COMETBFT_MALFORMED);
    parent.light.header.time = blocks[9].light.header.time;
    assert_parent(&parent, 0, PROOF_REASON_COMETBFT_TIME);
    world_block_make(&parent, &sets[8], &sets[9], 7, NULL);
    assert_parent(&parent, 0, PROOF_REASON_COMETBFT_NOT_PARENT);
    world_block_make(&parent, &sets[8], &sets[9], 8, NULL);
    parent.light.header.chain_id = (struct bytes){another, 7};
    assert_parent(&parent, 0, PROOF_REASON_COMETBFT_OTHER_CHAIN);
}

/* An operator's beginning is a beginning: nothing of what was trusted before is left, but that there was something. */
static void test_trust__begun_again_is_thawed_and_has_no_state_before(void **state)
{
    struct proof_cometbft_attack_fact fact = {.attack = PROOF_COMETBFT_NO_ATTACK, .height = 4};
    struct proof_cometbft_trust trust = begun(3);
    (void)state;
    assert_int_equal(advance(&trust, &blocks[4]), PROOF_VALID);
    proof_cometbft_trust_freeze(&trust, &fact); /* what is no attack freezes nothing */
    assert_int_equal(trust.changes, 2);
    fact.attack = PROOF_COMETBFT_AMNESIA;
    proof_cometbft_trust_freeze(&trust, &fact);
    assert_int_equal(proof_cometbft_trust_begin(&last, &trust, space, WORLD_CHAIN, 6, blocks[6].hash,
                                                world_block_parts(&blocks[6]), &options),
                     PROOF_VALID);
    const struct proof_cometbft_trust again = {.changes = 4, .latest = world_state(&blocks[6])};
    uint8_t bytes[2][PROOF_COMETBFT_TRUST_BYTES_MAX];
    assert_true(
        codec_bytes_equal(written(bytes[0], sizeof bytes[0], &trust), written(bytes[1], sizeof bytes[1], &again)));
}

static void test_trust__never_goes_back_and_never_changes_a_height(void **state)
{
    struct proof_cometbft_trust trust = begun(3);
    (void)state;
    assert_int_equal(advance(&trust, &blocks[4]), PROOF_VALID);
    const struct proof_cometbft_trust kept = trust;
    assert_int_equal(advance(&trust, &blocks[4]), PROOF_INVALID);
    assert_int_equal(advance(&trust, &blocks[3]), PROOF_INVALID);
    static struct world_block other;
    world_block_make(&other, &sets[4], &sets[5], 4, NULL);
    other.app_hash[7] ^= 1;
    world_block_sign(&other);
    assert_int_equal(advance(&trust, &other), PROOF_INVALID);
    assert_memory_equal(&trust, &kept, sizeof trust);
    assert_int_equal(trust.before.height, 3);
}

static void test_trust__bytes_are_read_as_they_were_written_and_no_others(void **state)
{
    struct proof_cometbft_trust trust = begun(3), read;
    uint8_t bytes[PROOF_COMETBFT_TRUST_BYTES_MAX], again[PROOF_COMETBFT_TRUST_BYTES_MAX];
    (void)state;
    for (size_t round = 0; round < 2; round++) {
        struct bytes whole = written(bytes, sizeof bytes, &trust);
        assert_true(proof_cometbft_trust_read(&read, whole));
        assert_memory_equal(&read, &trust, sizeof trust);
        for (size_t len = 0; len < whole.len; len++) {
            assert_false(proof_cometbft_trust_read(&read, (struct bytes){bytes, len}));
            assert_int_equal(read.latest.height, 0);
        }
        bytes[whole.len] = 0;
        assert_false(proof_cometbft_trust_read(&read, (struct bytes){bytes, whole.len + 1}));
        /* what is read from changed bytes is those bytes' own meaning, never half of two */
        for (size_t bit = 0; bit < 8 * whole.len; bit++) {
            bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
            if (proof_cometbft_trust_read(&read, whole))
                assert_true(codec_bytes_equal(written(again, sizeof again, &read), whole));
            bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        }
        assert_int_equal(advance(&trust, &blocks[trust.latest.height + 1]), PROOF_VALID);
    }
}

static void test_trust__stored_numbers_are_in_range(void **state)
{
    enum { CHANGES = 1, LENGTH = 9, CHAIN = 10, ATTACK = CHAIN + 7, ATTACK_HEIGHT = ATTACK + 1, REST = ATTACK };
    struct proof_cometbft_trust trust = begun(3), read;
    uint8_t bytes[PROOF_COMETBFT_TRUST_BYTES_MAX], other[PROOF_COMETBFT_TRUST_BYTES_MAX + 256];
    struct bytes whole = written(bytes, sizeof bytes, &trust);
    (void)state;
    for (size_t len = 0; len <= 255; len++) { /* chain ids of every length that the byte can say */
        memset(other, 'x', sizeof other);
        memcpy(other, bytes, CHAIN);
        other[LENGTH] = (uint8_t)len;
        memcpy(other + CHAIN + len, bytes + REST, whole.len - REST);
        assert_int_equal(proof_cometbft_trust_read(&read, (struct bytes){other, whole.len - 7 + len}),
                         len >= 1 && len <= COMETBFT_CHAIN_ID_MAX);
    }
    for (unsigned attack = 0; attack <= 255; attack++) {
        for (uint8_t height = 0; height < 2; height++) {
            bytes[ATTACK] = (uint8_t)attack;
            bytes[ATTACK_HEIGHT + 7] = height;
            bool fits = attack == 0 ? height == 0 : attack <= PROOF_COMETBFT_TIME && height > 0;
            assert_int_equal(proof_cometbft_trust_read(&read, whole), fits);
        }
    }
    bytes[ATTACK] = bytes[ATTACK_HEIGHT + 7] = 0;
    assert_true(proof_cometbft_trust_read(&read, whole));
    memset(bytes + CHANGES, 0, 8);
    assert_false(proof_cometbft_trust_read(&read, whole));
}

/* Whoever can write the file cannot make a trust that no verifier gives. */
static void test_trust__stored_states_are_whole_and_in_order(void **state)
{
    struct proof_cometbft_trust good = begun(3), read;
    uint8_t bytes[PROOF_COMETBFT_TRUST_BYTES_MAX];
    (void)state;
    assert_int_equal(advance(&good, &blocks[4]), PROOF_VALID);
    for (size_t which = 0; which < 2; which++) {
        for (size_t fault = 0; fault < 8; fault++) {
            struct proof_cometbft_trust trust = good;
            struct proof_cometbft_state *one = which == 0 ? &trust.latest : &trust.before;
            switch (fault) {
            case 0: one->time.nanos = 6; break; /* well, that is no fault */
            case 1: memset(one->hash, 0, 32); break;
            case 2: memset(one->validators_hash, 0, 32); break;
            case 3: one->time.nanos = -1; break;
            case 4: one->time.seconds = INT64_MAX; break;
            case 5: one->height = -1; break;
            case 6: trust.before.height = trust.latest.height; break;
            case 7: trust.before.time = trust.latest.time; break;
            }
            bool none = fault == 5 && which == 1; /* a state before of no height is not written */
            assert_int_equal(proof_cometbft_trust_read(&read, written(bytes, sizeof bytes, &trust)),
                             fault == 0 || none);
        }
    }
    /* an app hash that is longer than its place */
    enum { APP_HASH = 1 + 8 + 1 + 7 + 1 + 8 + 8 + 8 + 4 + 5 * 32 };
    static uint8_t longer[4096];
    struct bytes whole = written(bytes, sizeof bytes, &good);
    for (size_t more = 0; more <= 300; more++) {
        memcpy(longer, bytes, whole.len);
        longer[APP_HASH] = (uint8_t)((32 + more) >> 8);
        longer[APP_HASH + 1] = (uint8_t)(32 + more);
        memset(longer + APP_HASH + 2 + 32, 1, more);
        memcpy(longer + APP_HASH + 2 + 32 + more, bytes + APP_HASH + 2 + 32, whole.len - APP_HASH - 2 - 32);
        assert_int_equal(proof_cometbft_trust_read(&read, (struct bytes){longer, whole.len + more}),
                         32 + more <= COMETBFT_APP_HASH_MAX);
    }
}

static void test_bisection__reaches_the_target_by_few_heights(void **state)
{
    struct proof_cometbft_trust trust = begun(1);
    struct proof_cometbft_bisect bisect;
    size_t asked = 0, steps = 0;
    (void)state;
    assert_true(proof_cometbft_bisect_begin(&bisect, &trust, HEIGHTS));
    while (bisect.want != 0) {
        int64_t from = trust.latest.height;
        assert_true(bisect.want > from && bisect.want <= HEIGHTS);
        enum proof_verdict verdict =
            proof_cometbft_bisect_give(&last, &bisect, &trust, space, world_set_bytes(&sets[from + 1]),
                                       world_block_parts(&blocks[bisect.want]), &options);
        assert_int_not_equal(verdict, PROOF_INVALID);
        steps += verdict == PROOF_VALID;
        asked++;
        assert_true(asked < 60);
    }
    assert_int_equal(trust.latest.height, HEIGHTS);
    assert_memory_equal(trust.latest.hash, blocks[HEIGHTS].hash, 32);
    assert_true(steps < 12); /* the set is another after 20 heights; a walk would take 39 */
    assert_false(proof_cometbft_bisect_begin(&bisect, &trust, HEIGHTS));
}

static void test_bisection__begins_from_trust_that_can_move(void **state)
{
    struct proof_cometbft_trust trust = begun(3), none = {0};
    struct proof_cometbft_bisect bisect;
    (void)state;
    assert_false(proof_cometbft_bisect_begin(&bisect, &none, 8));
    assert_false(proof_cometbft_bisect_begin(&bisect, &trust, 3));
    assert_false(proof_cometbft_bisect_begin(&bisect, &trust, INT64_MIN));
    assert_int_equal(bisect.want, 0);
    /* nothing was asked for: what cannot be read has no height, and is not what nobody wanted */
    assert_int_equal(proof_cometbft_bisect_give(&last, &bisect, &trust, space, (struct bytes){NULL, 0},
                                                (struct cometbft_parts){0}, &options),
                     PROOF_INVALID);
    assert_int_equal(last.reason, PROOF_REASON_COMETBFT_OTHER_HEIGHT);
    trust.attack = PROOF_COMETBFT_LUNATIC;
    assert_false(proof_cometbft_bisect_begin(&bisect, &trust, 8));
}

static void test_bisection__takes_only_the_height_that_it_asked_for(void **state)
{
    struct proof_cometbft_trust trust = begun(1);
    struct proof_cometbft_bisect bisect;
    (void)state;
    assert_true(proof_cometbft_bisect_begin(&bisect, &trust, 8));
    assert_int_equal(proof_cometbft_bisect_give(&last, &bisect, &trust, space, world_set_bytes(&sets[2]),
                                                world_block_parts(&blocks[7]), &options),
                     PROOF_INVALID);
    assert_int_equal(last.reason, PROOF_REASON_COMETBFT_OTHER_HEIGHT);
    assert_int_equal(trust.latest.height, 1);
}

/* ---- attacks ---- */

static enum proof_verdict attack(struct proof_cometbft_attack_fact *fact, size_t common, struct world_block *a,
                                 struct world_block *b)
{
    struct proof_cometbft_state from = world_state(&blocks[common]);
    /* both blocks' bytes must stand at once */
    return proof_cometbft_attack_verify(&last, fact, space, &from, world_set_bytes(&sets[common + 1]),
                                        world_block_parts(a), world_block_parts(b), &options);
}

static void assert_attack(size_t common, struct world_block *a, struct world_block *b, enum proof_cometbft_attack want)
{
    struct proof_cometbft_attack_fact fact;
    assert_int_equal(attack(&fact, common, a, b), PROOF_VALID);
    assert_string_equal(proof_cometbft_attack_text(fact.attack), proof_cometbft_attack_text(want));
    assert_memory_equal(fact.hash_a, a->hash, 32);
    assert_memory_equal(fact.hash_b, b->hash, 32);
    struct proof_cometbft_trust trust = begun(common);
    proof_cometbft_trust_freeze(&trust, &fact);
    assert_int_equal(trust.changes, 2);
    assert_int_equal(advance(&trust, &blocks[common + 1]), PROOF_INVALID);
    assert_int_equal(last.reason, PROOF_REASON_COMETBFT_FROZEN);
    /* frozen survives a restart, and no second attack changes what froze it */
    uint8_t bytes[PROOF_COMETBFT_TRUST_BYTES_MAX];
    struct proof_cometbft_trust read;
    assert_true(proof_cometbft_trust_read(&read, written(bytes, sizeof bytes, &trust)));
    assert_int_equal(read.attack, want);
    fact.attack = PROOF_COMETBFT_TIME;
    proof_cometbft_trust_freeze(&read, &fact);
    assert_int_equal(read.attack, want);
}

static struct world_block other;

static void test_attack__equivocation_two_blocks_in_one_round(void **state)
{
    static const uint8_t other_hash[32] = {9};
    struct proof_cometbft_attack_fact fact;
    (void)state;
    world_block_make(&other, &sets[7], &sets[8], 7, NULL);
    other.light.header.data_hash = BYTES_OF(other_hash);
    other.votes[0].flag = COMETBFT_ABSENT;
    other.votes[0].address = other.votes[0].signature = (struct bytes){NULL, 0};
    other.votes[0].time = COMETBFT_TIME_UNSET;
    world_block_sign(&other);
    assert_attack(6, &blocks[7], &other, PROOF_COMETBFT_EQUIVOCATION);
    assert_int_equal(attack(&fact, 6, &blocks[7], &other), PROOF_VALID);
    assert_int_equal(fact.both_power, 30);
    assert_int_equal(fact.total_power, 40);
}

static void test_attack__amnesia_two_blocks_in_two_rounds(void **state)
{
    static const uint8_t other_hash[32] = {9};
    (void)state;
    world_block_make(&other, &sets[7], &sets[8], 7, NULL);
    other.light.header.data_hash = BYTES_OF(other_hash);
    other.light.commit.round = 3;
    world_block_sign(&other);
    assert_attack(6, &other, &blocks[7], PROOF_COMETBFT_AMNESIA);
}

static void test_attack__lunatic_state_that_old_validators_made_up(void **state)
{
    (void)state;
    /* two of the four old validators and their own new set: enough trust to skip, none in truth */
    static struct world_set liars;
    const struct world_member members[] = {{1, 10}, {2, 10}, {7, 1}};
    world_set_make(&liars, space, members, 3);
    world_block_make(&other, &liars, &liars, 9, NULL);
    other.app_hash[3] ^= 0xff;
    world_block_sign(&other);
    assert_attack(4, &blocks[9], &other, PROOF_COMETBFT_LUNATIC);
}

static void test_attack__time_that_does_not_grow(void **state)
{
    (void)state;
    world_block_make(&other, &sets[6], &sets[7], 6, NULL);
    other.light.header.time = blocks[7].light.header.time;
    world_block_sign(&other);
    assert_attack(5, &other, &blocks[7], PROOF_COMETBFT_TIME);
}

static void test_attack__one_honest_chain_cannot_be_shown_as_two(void **state)
{
    struct proof_cometbft_attack_fact fact;
    (void)state;
    assert_int_equal(attack(&fact, 6, &blocks[7], &blocks[7]), PROOF_INVALID);
    assert_int_equal(last.reason, PROOF_REASON_COMETBFT_NO_CONFLICT);
    assert_int_equal(attack(&fact, 6, &blocks[7], &blocks[8]), PROOF_INVALID);
    assert_int_equal(last.reason, PROOF_REASON_COMETBFT_NO_CONFLICT);
    /* a header that its signatures do not carry says nothing about the chain */
    world_block_make(&other, &sets[7], &sets[8], 7, NULL);
    other.app_hash[3] ^= 0xff;
    world_block_sign(&other);
    other.signatures[1][5] ^= 1;
    assert_int_equal(attack(&fact, 6, &blocks[7], &other), PROOF_INVALID);
    assert_int_equal(last.reason, PROOF_REASON_COMETBFT_SIGNATURE);
    assert_int_equal(last.at, 1001);
    /* but a vote behind the quorum, spoilt on the way, does not hide what the others signed */
    other.signatures[1][5] ^= 1;
    other.signatures[3][5] ^= 1;
    assert_int_equal(attack(&fact, 6, &blocks[7], &other), PROOF_VALID);
}

/* ---- evidence of logs ---- */

static const uint8_t account[32] = {[12] = 0xaa, [31] = 1};
static const uint8_t log_id[32] = {1, 2, 3};

/* An app hash whose IAVL tree holds one key, and the proof of it. */
static struct bytes one_leaf(uint8_t app_hash[32], uint8_t *out, size_t cap, struct bytes key, struct bytes value)
{
    static const uint8_t prefix[] = {0, 2, 2};
    struct ics23_proof proof = {.is_absence = false};
    struct codec_writer writer;
    proof.exists.key = key;
    proof.exists.value = value;
    proof.exists.has_leaf = true;
    proof.exists.leaf =
        (struct ics23_leaf){ICS23_SHA256, ICS23_NO_HASH, ICS23_SHA256, ICS23_VAR_PROTO, BYTES_OF(prefix)};
    uint8_t hash[ICS23_HASH_MAX];
    assert_int_equal(ics23_leaf_hash(hash, &proof.exists.leaf, key, value), 32);
    memcpy(app_hash, hash, 32);
    codec_writer_init(&writer, out, cap);
    ics23_proof_write(&writer, &proof);
    return codec_writer_bytes(&writer);
}

static struct codec_pack packs[2];

static struct bytes height_bundle(struct world_block *block, struct bytes next)
{
    struct cometbft_parts parts = world_block_parts(block);
    codec_pack_init(&packs[0], 1 << 16);
    codec_pack_array(&packs[0], 5);
    codec_pack_uint(&packs[0], 1);
    codec_pack_bin(&packs[0], parts.header);
    codec_pack_bin(&packs[0], parts.commit);
    codec_pack_bin(&packs[0], parts.validators);
    codec_pack_bin(&packs[0], next);
    return codec_pack_bytes(&packs[0]);
}

static struct bytes log_proof(struct bytes op)
{
    codec_pack_init(&packs[1], 1 << 16);
    codec_pack_array(&packs[1], 2);
    codec_pack_bin(&packs[1], BYTES_OF(account));
    codec_pack_array(&packs[1], 1);
    codec_pack_array(&packs[1], 1);
    codec_pack_bin(&packs[1], op);
    return codec_pack_bytes(&packs[1]);
}

static void test_evidence__a_log_under_a_header_that_follows(void **state)
{
    struct proof_cometbft_trust trust = begun(3);
    const struct proof_cometbft_trust before = trust;
    static struct proof_cometbft_evidence_fact fact;
    struct proof_cometbft_app app = {.store = {NULL, 0}};
    struct proof_cometbft_log_place place = {.kind = 1};
    uint8_t key[PROOF_COMETBFT_LOG_KEY_BYTES], value[PROOF_COMETBFT_LOG_VALUE_BYTES] = {[7] = 12, [8] = 0x77}, op[512];
    static struct world_block block;
    (void)state;
    memcpy(app.account, account, 32);
    memcpy(place.log, log_id, 32);
    proof_cometbft_log_key(key, account, log_id);
    world_block_make(&block, &sets[6], &sets[7], 6, NULL);
    struct bytes proof = one_leaf(block.app_hash, op, sizeof op, BYTES_OF(key), BYTES_OF(value));
    world_block_sign(&block);
    struct bytes bundle = height_bundle(&block, (struct bytes){NULL, 0});
    struct bytes logs = log_proof(proof);
    assert_int_equal(proof_cometbft_evidence_verify(&last, &fact, &trust, space, world_set_bytes(&sets[4]), &app,
                                                    &place, 1, bundle, logs, &options),
                     PROOF_VALID);
    assert_int_equal(fact.height, 6);
    assert_int_equal(fact.logs[0].number, 12);
    assert_memory_equal(fact.logs[0].running, value + 8, 32);
    assert_true(codec_bytes_equal(fact.next_validators, world_set_bytes(&sets[7])));
    assert_int_equal(trust.latest.height, 6);
    /* again, under what is trusted now: no step is needed */
    const uint64_t changes = trust.changes;
    assert_int_equal(proof_cometbft_evidence_verify(&last, &fact, &trust, space, (struct bytes){NULL, 0}, &app, &place,
                                                    1, bundle, logs, &options),
                     PROOF_VALID);
    assert_int_equal(trust.changes, changes);
    /* the log of another account, and a proof with any bit flipped: refused, and nothing moves */
    trust = before;
    app.account[31] = 2;
    assert_int_equal(proof_cometbft_evidence_verify(&last, &fact, &trust, space, world_set_bytes(&sets[4]), &app,
                                                    &place, 1, bundle, logs, &options),
                     PROOF_INVALID);
    assert_int_equal(last.reason, PROOF_REASON_EVIDENCE_OTHER_ACCOUNT);
    app.account[31] = 1;
    for (size_t bit = 0; bit < 8 * logs.len; bit += 3) {
        packs[1].data[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_int_equal(proof_cometbft_evidence_verify(&last, &fact, &trust, space, world_set_bytes(&sets[4]), &app,
                                                        &place, 1, bundle, logs, &options),
                         PROOF_INVALID);
        packs[1].data[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    assert_memory_equal(&trust, &before, sizeof trust);
    /* a next set that the header does not announce */
    codec_pack_fini(&packs[0]);
    bundle = height_bundle(&block, world_set_bytes(&sets[12]));
    assert_int_equal(proof_cometbft_evidence_verify(&last, &fact, &trust, space, world_set_bytes(&sets[4]), &app,
                                                    &place, 1, bundle, logs, &options),
                     PROOF_INVALID);
    assert_int_equal(last.reason, PROOF_REASON_COMETBFT_TRUSTED_SET);
    codec_pack_fini(&packs[0]);
    codec_pack_fini(&packs[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_trust__begins_with_what_an_operator_gave_and_nothing_else),
        cmocka_unit_test(test_trust__begins_within_the_trusting_period_and_with_a_next_set),
        cmocka_unit_test(test_parent__is_of_this_chain_one_height_down_and_earlier),
        cmocka_unit_test(test_trust__begun_again_is_thawed_and_has_no_state_before),
        cmocka_unit_test(test_trust__never_goes_back_and_never_changes_a_height),
        cmocka_unit_test(test_trust__bytes_are_read_as_they_were_written_and_no_others),
        cmocka_unit_test(test_trust__stored_numbers_are_in_range),
        cmocka_unit_test(test_trust__stored_states_are_whole_and_in_order),
        cmocka_unit_test(test_bisection__reaches_the_target_by_few_heights),
        cmocka_unit_test(test_bisection__begins_from_trust_that_can_move),
        cmocka_unit_test(test_bisection__takes_only_the_height_that_it_asked_for),
        cmocka_unit_test(test_attack__equivocation_two_blocks_in_one_round),
        cmocka_unit_test(test_attack__amnesia_two_blocks_in_two_rounds),
        cmocka_unit_test(test_attack__lunatic_state_that_old_validators_made_up),
        cmocka_unit_test(test_attack__time_that_does_not_grow),
        cmocka_unit_test(test_attack__one_honest_chain_cannot_be_shown_as_two),
        cmocka_unit_test(test_evidence__a_log_under_a_header_that_follows),
    };
    return cmocka_run_group_tests(tests, make_chain, free_chain);
}
