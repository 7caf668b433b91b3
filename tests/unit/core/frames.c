/* Frames that a test makes up, and a world in which only they speak. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/core/scene.h"

void world_frame(struct world *world, uint16_t to, uint16_t from, uint64_t ask, const struct codec_pack *items,
                 uint32_t count)
{
    struct codec_pack body;
    struct proof_result result;
    codec_pack_init(&body, PROOF_FRAME_BODY_MAX);
    codec_pack_array(&body, count);
    codec_pack_raw(&body, codec_pack_bytes(items));
    assert_true(proof_items_check(codec_pack_bytes(&body), &result));
    world_feed(
        world, to,
        (struct relay_event){.type = RELAY_EVENT_FRAME, .id = ask, .peer = from, .body = codec_pack_bytes(&body)});
    codec_pack_fini(&body);
}

struct proof_head world_head(const struct world *world, uint16_t lane, uint64_t number)
{
    struct proof_head head = {.number = number};
    memcpy(head.log, world->lanes[lane].logs[0], 32);
    memcpy(head.running, world->model.lanes[lane].messages.entries[number - 1].running, 32);
    return head;
}

struct world *world_silent(uint64_t seed)
{
    struct world *world = world_new(seed);
    world_start_all(world);
    for (uint16_t relay = 0; relay < WORLD_RELAYS; relay++)
        world_signer_down(world, relay, true);
    world_run(world, 2000);
    world_send_all(world, 20);
    world_run(world, 5000);
    return world;
}

void world_newest_epoch_alone(const struct world *world, uint16_t chain, struct topology_network *document,
                              struct topology_chain chains[MODEL_CHAINS])
{
    *document = world->next.network;
    memcpy(chains, world->next.chains, MODEL_CHAINS * sizeof(*chains));
    chains[chain].epochs++;
    chains[chain].epochs_len = 1;
    document->chains = chains;
}
