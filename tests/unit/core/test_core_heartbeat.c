/*
 * What heartbeats say, and what it may cost (DESIGN sections 5 and 9): a member's word about its own marks holds nobody up, and
 * two certified heads of one log that were made on two sides of a cut are noticed when it heals.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "relay/core/state.h"
#include "relay/store/keys.h"
#include "tests/unit/core/scene.h"

enum { LIAR = 5, HEARTBEAT_MS = 100, MANY = 1200, NEAR = 0, FAR = 4 };

static void range_write(struct codec_pack *items, const struct world *world, uint64_t from, uint64_t to)
{
    const struct model_log *log = &world->model.lanes[WORLD_EASTWARD].messages;
    struct proof_item range = {.type = PROOF_ITEM_RANGE,
                               .range = {.from = from,
                                         .count = (uint16_t)(to - from + 1),
                                         .records = model_records((struct model_log *)log, from, to)}};
    memcpy(range.range.log, world->lanes[WORLD_EASTWARD].logs[0], 32);
    memcpy(range.range.before, from == 1 ? range.range.log : log->entries[from - 2].running, 32);
    assert_true(proof_item_write(items, &range));
}

static void heads_feed(struct world *world, uint16_t to, uint16_t from, const uint16_t *signers, size_t count,
                       struct proof_head head)
{
    struct codec_pack items;
    codec_pack_init(&items, 1 << 20);
    for (size_t i = 0; i < count; i++)
        world_attest(world, signers[i], &items, &head, 1);
    world_frame(world, to, from, 0, &items, (uint32_t)count);
    codec_pack_fini(&items);
}

/* Records 1..to of another world's chain, and its head there, as two operators signed it. */
static void history_feed(struct world *world, uint16_t to_relay, uint16_t from, const struct world *chain, uint64_t to)
{
    static const uint16_t SIGNERS[] = {0, 1};
    struct proof_head head = world_head(chain, WORLD_EASTWARD, to);
    struct codec_pack items;
    uint32_t count = 0;
    codec_pack_init(&items, 1 << 20);
    for (; count < 2; count++)
        world_attest(world, SIGNERS[count], &items, &head, 1);
    for (uint64_t at = 1; at <= to; at += 128, count++)
        range_write(&items, chain, at, at + 127 < to ? at + 127 : to);
    world_frame(world, to_relay, from, 0, &items, count);
    codec_pack_fini(&items);
}

static void named_feed(struct world *world, uint16_t to, uint16_t from, uint64_t number)
{
    struct codec_pack items, logs;
    struct proof_item item = {.type = PROOF_ITEM_HEARTBEAT, .heartbeat = {.time = model_time(1), .count = 1}};
    struct proof_item_log entry = {.head = {.number = number}};
    codec_pack_init(&items, 1 << 16);
    codec_pack_init(&logs, 1 << 16);
    memcpy(entry.head.log, world->lanes[WORLD_EASTWARD].logs[0], 32);
    memset(entry.head.running, 0x77, 32);
    memcpy(item.heartbeat.document_hash, world->network.hash, 32);
    proof_pack_log(&logs, &entry);
    item.heartbeat.logs = codec_pack_bytes(&logs);
    assert_true(proof_item_write(&items, &item));
    world_frame(world, to, from, 0, &items, 1);
    codec_pack_fini(&logs);
    codec_pack_fini(&items);
}

static size_t heads_kept(const struct world *world, uint16_t relay)
{
    return world_rows(world, relay, STORE_HEAD, (struct bytes){world->lanes[WORLD_EASTWARD].logs[0], 32});
}

static size_t head_rows(const struct world *world, uint16_t relay, const struct proof_head *head)
{
    uint8_t prefix[40], key_id[32] = {0}, key[KEYS_HEAD_BYTES];
    keys_head_key(key, head->log, head->number, key_id);
    memcpy(prefix, key, sizeof(prefix));
    return world_rows(world, relay, STORE_HEAD, BYTES_OF(prefix));
}

/* Whether the relay's audit has a record with this reason. */
static bool audited(const struct world *world, uint16_t relay, enum relay_reason reason)
{
    struct store *store = world->relays[relay].disk.store;
    struct store_snapshot *snapshot = store->ops->snapshot_new(store);
    struct store_cursor *cursor =
        store->ops->cursor_new(snapshot, STORE_AUDIT, (struct store_view){NULL, 0}, (struct store_view){NULL, 0});
    const char *name = relay_reason_text(reason);
    bool found = false;
    for (; !found && store->ops->cursor_valid(cursor); store->ops->cursor_next(cursor)) {
        struct store_view view = store->ops->cursor_value(cursor);
        struct keys_audit row;
        assert_true(keys_audit_read(&row, (struct bytes){view.data, view.len}));
        found = row.reason.len == strlen(name) && memcmp(row.reason.data, name, row.reason.len) == 0;
    }
    store->ops->cursor_free(cursor);
    store->ops->snapshot_free(snapshot);
    return found;
}

static struct relay_log_view eastward(const struct world *world, uint16_t relay)
{
    return world_view(world, relay, WORLD_EASTWARD, PROOF_LOG_MESSAGE);
}

/* A world in which nobody signs, whose eastward lane has `count` messages that the west has proven. */
static struct world *silent(uint64_t seed, size_t count)
{
    struct world *world = world_new(seed);
    world->lanes[WORLD_EASTWARD].window = 64 << 20;
    world_start_all(world);
    for (uint16_t relay = 0; relay < WORLD_RELAYS; relay++)
        world_signer_down(world, relay, true);
    world_run(world, 2000);
    world_send(world, WORLD_EASTWARD, count, 32);
    for (unsigned i = 0; i < 60 && eastward(world, NEAR).proven < count; i++)
        world_run(world, 1000);
    assert_int_equal(eastward(world, NEAR).proven, count);
    return world;
}

/* The middle has all records and the newest head; of the one at the first multiple of C, which an inbox must step on, it has
 * one signature. All of them lie with one neighbour. */
static void a_heartbeat_that_names_2_to_the_63_holds_up_no_step(void **state)
{
    static const uint16_t BOTH[] = {0, 1};
    (void)state;
    struct world *world = silent(91, 300);
    world_isolate(world, WORLD_MIDDLE, true);
    heads_feed(world, FAR, 6, BOTH, 2, world_head(world, WORLD_EASTWARD, 256));
    world_isolate(world, FAR, true);
    history_feed(world, WORLD_MIDDLE, 1, world, 300);
    heads_feed(world, WORLD_MIDDLE, 1, BOTH, 1, world_head(world, WORLD_EASTWARD, 256));
    world_run(world, 1000);
    assert_int_equal(heads_kept(world, WORLD_MIDDLE), 3);
    world_cut(world, WORLD_MIDDLE, FAR, false);
    for (unsigned i = 0; i < 300 && heads_kept(world, WORLD_MIDDLE) < 4; i++) {
        named_feed(world, WORLD_MIDDLE, LIAR, UINT64_C(1) << 63);
        world_run(world, HEARTBEAT_MS);
    }
    assert_int_equal(heads_kept(world, WORLD_MIDDLE), 4);
    world_free(world);
}

/* One operator signed what the middle lacks; the relay that has the records says nothing, as its newest head is no certified one. */
static void a_heartbeat_that_names_2_to_the_63_holds_up_no_pull_of_what_is_signed(void **state)
{
    static const uint16_t ONE[] = {0};
    (void)state;
    struct world *world = silent(92, 40);
    struct proof_head head = world_head(world, WORLD_EASTWARD, 40);
    world_isolate(world, WORLD_MIDDLE, true);
    heads_feed(world, NEAR, 1, ONE, 1, head);
    world_run(world, 500);
    world_cut(world, WORLD_MIDDLE, NEAR, false);
    heads_feed(world, WORLD_MIDDLE, LIAR, ONE, 1, head);
    for (unsigned i = 0; i < 300 && eastward(world, WORLD_MIDDLE).stored < 40; i++) {
        named_feed(world, WORLD_MIDDLE, LIAR, UINT64_C(1) << 63);
        world_run(world, HEARTBEAT_MS);
    }
    assert_int_equal(eastward(world, WORLD_MIDDLE).stored, 40);
    world_free(world);
}

/* Nobody in reach has the records of a signed head, and asks for them become rare. Who has them comes back: they are here at once. */
static void records_that_nobody_had_during_a_cut_are_asked_for_when_it_heals(void **state)
{
    static const uint16_t ONE[] = {0};
    (void)state;
    struct world *world = silent(94, 40);
    struct proof_head head = world_head(world, WORLD_EASTWARD, 40);
    world_isolate(world, WORLD_MIDDLE, true);
    heads_feed(world, NEAR, 1, ONE, 1, head);
    for (unsigned i = 0; i < 200; i++) { /* until it waits long between asks, which this one lets fail */
        heads_feed(world, WORLD_MIDDLE, LIAR, ONE, 1, head);
        world_run(world, HEARTBEAT_MS);
    }
    assert_int_equal(eastward(world, WORLD_MIDDLE).stored, 0);
    world_cut(world, WORLD_MIDDLE, NEAR, false);
    for (unsigned i = 0; i < 10 && eastward(world, WORLD_MIDDLE).stored < 40; i++)
        world_run(world, HEARTBEAT_MS);
    assert_int_equal(eastward(world, WORLD_MIDDLE).stored, 40);
    world_free(world);
}

/* Honest heartbeats name what is certified; nothing of it came here. */
static void a_heartbeat_that_names_2_to_the_63_holds_up_no_pull_of_what_others_name(void **state)
{
    (void)state;
    struct world *world = silent(93, 40);
    world_isolate(world, WORLD_MIDDLE, true);
    history_feed(world, FAR, 6, world, 40);
    history_feed(world, WORLD_MIDDLE, 1, world, 20);
    for (unsigned i = 0; i < 200; i++) { /* until it has learnt to wait long between asks of the liar */
        named_feed(world, WORLD_MIDDLE, LIAR, UINT64_C(1) << 63);
        world_run(world, HEARTBEAT_MS);
    }
    world_cut(world, WORLD_MIDDLE, FAR, false);
    unsigned rounds = 0;
    while (rounds < 25 && eastward(world, WORLD_MIDDLE).certified < 40) {
        named_feed(world, WORLD_MIDDLE, LIAR, UINT64_C(1) << 63);
        world_run(world, HEARTBEAT_MS);
        rounds++;
    }
    assert_int_equal(eastward(world, WORLD_MIDDLE).certified, 40);
    assert_int_equal(eastward(world, WORLD_MIDDLE).stored, 40);
    world_free(world);
}

/*
 * A member may ask for all there is, and two others may have signed as many heads as they are allowed to: the asker's own newest
 * word, and a certificate of the lowest head there is, are in the answer all the same.
 */
static void the_newest_word_of_each_operator_gets_through_however_many_heads_another_signed(void **state)
{
    static const uint16_t BOTH[] = {0, 1};
    (void)state;
    struct world *world = silent(94, 1400);
    world_isolate(world, WORLD_MIDDLE, true);
    world_isolate(world, FAR, true);
    heads_feed(world, FAR, WORLD_MIDDLE, BOTH, 2, world_head(world, WORLD_EASTWARD, 256));
    for (uint64_t number = 300; number < 300 + MANY; number += 4) { /* one signature over four heads each */
        struct proof_head heads[4];
        struct codec_pack items;
        codec_pack_init(&items, 1 << 16);
        for (uint64_t i = 0; i < 4; i++) {
            heads[i] = world_head(world, WORLD_EASTWARD, 300);
            heads[i].number = number + i;
        }
        world_attest(world, 1 + number / 4 % 2, &items, heads, 4);
        world_frame(world, FAR, WORLD_MIDDLE, 0, &items, 1);
        codec_pack_fini(&items);
    }
    heads_feed(world, FAR, WORLD_MIDDLE, BOTH, 1, world_head(world, WORLD_EASTWARD, 900));
    world_run(world, 500);
    assert_true(heads_kept(world, FAR) > 512);
    assert_int_equal(heads_kept(world, WORLD_MIDDLE), 0);
    world_cut(world, WORLD_MIDDLE, FAR, false);
    world_asked(world, FAR, WORLD_MIDDLE, 1, 0);
    world_run(world, 200);
    assert_int_equal(eastward(world, WORLD_MIDDLE).certified, 256);
    assert_true(relay_core_signers_of(world->relays[WORLD_MIDDLE].core, WORLD_EASTWARD, PROOF_LOG_MESSAGE, 900) & 1);
    world_free(world);
}

/* Frozen here, both words kept as proof, through a restart, and said in the audit; no other log of this relay is touched. */
static void conflict_expect(struct world *world, uint16_t relay, const struct proof_head *one,
                            const struct proof_head *other)
{
    for (unsigned i = 0; i < 200 && !eastward(world, relay).frozen; i++)
        world_run(world, HEARTBEAT_MS);
    for (unsigned life = 0; life < 2; life++) {
        assert_true(eastward(world, relay).frozen);
        assert_int_equal(eastward(world, relay).cause, RELAY_CAUSE_FROZEN);
        assert_int_equal(head_rows(world, relay, one), one->number == other->number ? 4 : 2);
        assert_int_equal(head_rows(world, relay, other), one->number == other->number ? 4 : 2);
        assert_int_equal(world_counter(world, relay, RELAY_REASON_CERTIFICATES_CONFLICT), life == 0 ? 1 : 0);
        assert_true(audited(world, relay, RELAY_REASON_CERTIFICATES_CONFLICT));
        assert_false(world_view(world, relay, WORLD_WESTWARD, PROOF_LOG_MESSAGE).frozen);
        world_kill(world, relay);
        world_start(world, relay);
        world_run(world, 2000);
    }
}

static void certified_heads_of_one_number_made_on_two_sides_of_a_cut_freeze_the_log_on_both_when_it_heals(void **state)
{
    static const uint16_t WEST[] = {0, 1}, EAST[] = {1, 2};
    (void)state;
    struct world *world = silent(95, 20);
    struct proof_head truth = world_head(world, WORLD_EASTWARD, 20), lie = truth;
    lie.running[0] ^= 1;
    for (uint16_t relay = 0; relay < WORLD_RELAYS; relay++)
        world_isolate(world, relay, true);
    heads_feed(world, WORLD_MIDDLE, NEAR, WEST, 2, truth);
    heads_feed(world, FAR, 6, EAST, 2, lie);
    world_run(world, 20000);
    assert_false(eastward(world, WORLD_MIDDLE).frozen || eastward(world, FAR).frozen);
    world_cut(world, WORLD_MIDDLE, FAR, false);
    conflict_expect(world, WORLD_MIDDLE, &truth, &lie);
    conflict_expect(world, FAR, &truth, &lie);
    world_free(world);
}

/* The sides went on for different lengths: no number has two certificates, but records lead from one history to the other's. */
static void
certified_heads_of_different_numbers_on_two_histories_freeze_the_log_on_both_when_the_cut_heals(void **state)
{
    (void)state;
    struct world *world = silent(96, 20), *elsewhere = world_silent(97);
    world_send(elsewhere, WORLD_EASTWARD, 300, 40);
    world_run(elsewhere, 20000);
    struct proof_head truth = world_head(world, WORLD_EASTWARD, 20), lie = world_head(elsewhere, WORLD_EASTWARD, 320);
    for (uint16_t relay = 0; relay < WORLD_RELAYS; relay++)
        world_isolate(world, relay, true);
    history_feed(world, WORLD_MIDDLE, NEAR, world, 20);
    history_feed(world, FAR, 6, elsewhere, 320);
    world_run(world, 20000);
    assert_int_equal(eastward(world, WORLD_MIDDLE).stored, 20);
    assert_int_equal(eastward(world, FAR).stored, 320);
    world_cut(world, WORLD_MIDDLE, FAR, false);
    for (unsigned i = 0; i < 100 && !(eastward(world, WORLD_MIDDLE).frozen && eastward(world, FAR).frozen); i++)
        world_run(world, HEARTBEAT_MS);
    conflict_expect(world, FAR, &truth, &lie);
    conflict_expect(world, WORLD_MIDDLE, &truth, &lie);
    world_free(elsewhere);
    world_free(world);
}

/* What this relay proved stands against the word of k operators: its log stops, too. */
static void a_certificate_against_what_a_home_relay_proved_freezes_its_log_when_a_heartbeat_shows_it(void **state)
{
    static const uint16_t BOTH[] = {1, 2};
    (void)state;
    struct world *world = silent(98, 20);
    struct proof_head truth = world_head(world, WORLD_EASTWARD, 20), lie = truth;
    lie.running[0] ^= 1;
    for (uint16_t relay = 0; relay < WORLD_RELAYS; relay++)
        world_isolate(world, relay, true);
    heads_feed(world, WORLD_MIDDLE, 2, BOTH, 2, lie);
    world_run(world, 1000);
    world_cut(world, WORLD_MIDDLE, NEAR, false);
    for (unsigned i = 0; i < 100 && !eastward(world, NEAR).frozen; i++)
        world_run(world, HEARTBEAT_MS);
    assert_true(eastward(world, NEAR).frozen);
    assert_int_equal(head_rows(world, NEAR, &lie), 2);
    world_free(world);
}

/* One member that only says so, without signatures, costs some asks and changes nothing. */
static void a_heartbeat_that_names_another_hash_without_a_certificate_changes_nothing(void **state)
{
    (void)state;
    struct world *world = silent(99, 20);
    history_feed(world, WORLD_MIDDLE, NEAR, world, 20);
    for (unsigned i = 0; i < 100; i++) {
        named_feed(world, WORLD_MIDDLE, LIAR, 20);
        world_run(world, HEARTBEAT_MS);
    }
    assert_false(eastward(world, WORLD_MIDDLE).frozen);
    for (uint16_t relay = 0; relay < WORLD_RELAYS; relay++)
        world_signer_down(world, relay, false);
    world_expect(world, world_quiet, 100000);
    world_check_once(world);
    world_free(world);
}

/* ---- more logs than a heartbeat holds ---------------------------------------------------------------------------------- */

enum { LANES = 1400 }; /* lanes, of three logs */

static void core_ready(struct relay_core *core)
{
    relay_core_start(core);
    while (!relay_core_ready(core)) {
        uint64_t ids[16];
        size_t len, loads = 0;
        const struct relay_action *actions = relay_core_actions(core, &len);
        for (size_t i = 0; i < len && loads < 16; i++) {
            if (actions[i].type == RELAY_ACTION_LOAD)
                ids[loads++] = actions[i].id;
        }
        assert_true(loads > 0);
        for (size_t i = 0; i < loads; i++) {
            relay_core_step(core, &(struct relay_event){.type = RELAY_EVENT_LOADED, .id = ids[i], .done = true});
            actions = relay_core_actions(core, &len);
            for (size_t j = 0; j < len && loads < 16; j++) {
                if (actions[j].type == RELAY_ACTION_LOAD)
                    ids[loads++] = actions[j].id;
            }
        }
    }
}

/* What the next one names; all of them have this root. */
static size_t beat(struct relay_core *core, const uint8_t root[32])
{
    struct relay_event tick = {.type = RELAY_EVENT_TICK, .now = core->now + 1000, .unix_time = model_time(1)};
    struct proof_item item = {.type = PROOF_ITEM_HEARTBEAT};
    size_t len;
    relay_core_step(core, &tick);
    const struct relay_action *actions = relay_core_actions(core, &len);
    for (size_t i = 0; i < len; i++) {
        struct proof_frame frame = {.body = actions[i].body};
        struct proof_items items;
        if (actions[i].type != RELAY_ACTION_PUBLISH)
            continue;
        proof_items_init(&items, &frame);
        assert_true(proof_items_next(&item, &items) && item.type == PROOF_ITEM_HEARTBEAT);
    }
    assert_memory_equal(item.heartbeat.root, root, 32);
    return item.heartbeat.count;
}

static void what_changed_is_named_at_once_however_many_logs_there_are(void **state)
{
    (void)state;
    struct world *world = world_new(99);
    struct topology_network network = world->network;
    struct topology_lane *lanes = calloc(LANES, sizeof(*lanes));
    uint8_t(*leaves)[32] = calloc(3 * LANES, 32), root[32];
    for (uint16_t i = 0; i < LANES; i++) {
        lanes[i] = world->network.lanes[0];
        lanes[i].sender[30] = (uint8_t)(i >> 8);
        lanes[i].sender[31] = (uint8_t)i;
    }
    network.lanes = lanes;
    network.lanes_len = LANES;
    network.logs = NULL;
    assert_true(topology_network_index(&network));
    struct relay_core *core =
        relay_core_new(&(struct relay_core_config){.network = &network, .self = WORLD_MIDDLE, .dev = true});
    core_ready(core);
    for (size_t i = 0; i < network.logs_len; i++) {
        struct proof_head head = {.number = 1};
        memcpy(head.log, network.logs[i].id, 32);
        core->logs[network.logs[i].lane * 3 + network.logs[i].kind - 1].certified = 1;
        proof_leaf_hash_head(leaves[i], PROOF_SUITE_BLAKE2B256_ED25519, &head);
    }
    proof_merkle_root(root, PROOF_SUITE_BLAKE2B256_ED25519, leaves, network.logs_len);
    assert_int_equal(beat(core, root), PROOF_ITEM_LOGS_MAX);
    assert_int_equal(beat(core, root), 3 * LANES - PROOF_ITEM_LOGS_MAX);
    assert_int_equal(beat(core, root), 0);
    relay_core_free(core);
    free(network.logs);
    free(leaves);
    free(lanes);
    world_free(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_heartbeat_that_names_2_to_the_63_holds_up_no_step),
        cmocka_unit_test(a_heartbeat_that_names_2_to_the_63_holds_up_no_pull_of_what_is_signed),
        cmocka_unit_test(a_heartbeat_that_names_2_to_the_63_holds_up_no_pull_of_what_others_name),
        cmocka_unit_test(records_that_nobody_had_during_a_cut_are_asked_for_when_it_heals),
        cmocka_unit_test(the_newest_word_of_each_operator_gets_through_however_many_heads_another_signed),
        cmocka_unit_test(certified_heads_of_one_number_made_on_two_sides_of_a_cut_freeze_the_log_on_both_when_it_heals),
        cmocka_unit_test(
            certified_heads_of_different_numbers_on_two_histories_freeze_the_log_on_both_when_the_cut_heals),
        cmocka_unit_test(a_certificate_against_what_a_home_relay_proved_freezes_its_log_when_a_heartbeat_shows_it),
        cmocka_unit_test(a_heartbeat_that_names_another_hash_without_a_certificate_changes_nothing),
        cmocka_unit_test(what_changed_is_named_at_once_however_many_logs_there_are),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
