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

void world_asked(struct world *world, uint16_t asked, uint16_t asker, uint32_t id, uint32_t max_bytes)
{
    struct codec_pack body;
    struct proof_item item = {.type = PROOF_ITEM_ASK, .ask = {.from = 1, .to = UINT64_MAX, .max_bytes = max_bytes}};
    memcpy(item.ask.log, world->lanes[WORLD_EASTWARD].logs[0], 32);
    codec_pack_init(&body, 1 << 10);
    codec_pack_array(&body, 1);
    assert_true(proof_item_write(&body, &item));
    world_feed(world, asked,
               (struct relay_event){.type = RELAY_EVENT_ASKED,
                                    .id = (uint64_t)asker << 48 | (uint64_t)world->relays[asker].life << 32 | id,
                                    .peer = asker,
                                    .body = codec_pack_bytes(&body)});
    codec_pack_fini(&body);
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
