/* The network document changes: what was known of those whom it does not name at present, and what goes with them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "relay/store/keys.h"
#include "tests/unit/core/scene.h"

enum { COUNT = 20, LIAR = 0 };

/* Two words of an operator reach the middle. */
static void two_words(struct world *world, uint16_t operator)
{
    struct codec_pack items;
    struct proof_head truth = world_head(world, WORLD_EASTWARD, COUNT), lie = truth;
    lie.running[0] ^= 1;
    codec_pack_init(&items, 1 << 16);
    world_attest(world, operator, & items, &lie, 1);
    world_attest(world, operator, & items, &truth, 1);
    world_frame(world, WORLD_MIDDLE, 1, 0, &items, 2);
    codec_pack_fini(&items);
}

static void restart(struct world *world, uint16_t relay, const struct topology_network *document)
{
    world_run(world, 1000);
    world_kill(world, relay);
    world->relays[relay].document = document;
    world_start(world, relay);
    world_run(world, 1000);
}

/* It is gone from one document and back in the next one: who it is was not forgotten in between. */
static void an_operator_that_signed_two_words_does_not_count_again_when_a_later_document_has_it_back(void **state)
{
    (void)state;
    struct world *world = world_silent(401);
    struct topology_network without = world->network;
    struct codec_pack items;
    struct proof_head truth = world_head(world, WORLD_EASTWARD, COUNT);
    without.operators++;
    without.operators_len--;
    for (uint16_t peer = 0; peer < WORLD_RELAYS; peer++)
        world_cut(world, WORLD_MIDDLE, peer, true);
    two_words(world, LIAR);
    restart(world, WORLD_MIDDLE, &without);
    two_words(world, 2); /* the row is written anew */
    assert_int_equal(world_counter(world, WORLD_MIDDLE, RELAY_REASON_EQUIVOCATION), 1);
    restart(world, WORLD_MIDDLE, NULL);
    codec_pack_init(&items, 1 << 16);
    world_attest(world, 1, &items, &truth, 1);
    world_frame(world, WORLD_MIDDLE, 1, 0, &items, 1);
    world_run(world, 1000);
    assert_int_equal(world_view(world, WORLD_MIDDLE, WORLD_EASTWARD, PROOF_LOG_MESSAGE).certified, 0);
    codec_pack_fini(&items);
    world_free(world);
}

/* All operators have new keys and the document knows no others: rows of the old ones, read by nobody, go when their log is past them. */
static void heads_of_a_forgotten_epoch_leave_the_store(void **state)
{
    (void)state;
    struct world *world = world_new(402);
    struct topology_network document;
    struct topology_chain chains[MODEL_CHAINS];
    uint8_t prefix[KEYS_SEGMENT_BYTES];
    world_start_all(world);
    world_run(world, 3000);
    world_send(world, WORLD_EASTWARD, COUNT, 33);
    world_expect(world, world_quiet, 60000);
    world_epoch_next(world, 1, 7, 0);
    model_rotate(&world->model, 1, 0);
    world_newest_epoch_alone(world, 1, &document, chains);
    for (uint16_t relay = 0; relay < WORLD_RELAYS; relay++) {
        world_kill(world, relay);
        world->relays[relay].document = &document;
        if (relay < WORLD_SIDE)
            world_key_next(world, relay);
        world_start(world, relay);
    }
    keys_segment_key(prefix, world->lanes[WORLD_EASTWARD].logs[0], COUNT);
    world_run(world, 3000);
    assert_true(world_rows(world, WORLD_MIDDLE, STORE_HEAD, BYTES_OF(prefix)) > 0);
    for (unsigned i = 0; i < 5; i++) {
        world_send(world, WORLD_EASTWARD, 256, 33);
        world_expect(world, world_quiet, 100000);
    }
    for (uint16_t relay = 0; relay < WORLD_RELAYS; relay++)
        assert_int_equal(world_rows(world, relay, STORE_HEAD, BYTES_OF(prefix)), 0);
    world_check_once(world);
    world_free(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_operator_that_signed_two_words_does_not_count_again_when_a_later_document_has_it_back),
        cmocka_unit_test(heads_of_a_forgotten_epoch_leave_the_store),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
