/* The virtual mesh: every direction of every link loses, repeats, delays and turns round what it carries, as the link says. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "tests/sim/parts.h"
#include "topology/route.h"

enum {
    LINK_MS = 3,
    ASK_PATIENCE_MS = 2000,
    LINE_MS = 3000 /* what waits longer than this for a slow line is dropped */
};

static void frame_post(struct world *world, uint16_t from, uint16_t to, struct bytes body, enum relay_event_type type,
                       uint64_t id)
{
    struct world_link *link = &world->mesh[from][to];
    uint64_t delay = LINK_MS + link->delay;
    if (link->rate > 0) {
        uint64_t start = link->busy > world->now ? link->busy : world->now;
        if (start > world->now + LINE_MS)
            return;
        link->busy = start + body.len / link->rate;
        delay += link->busy - world->now;
    }
    if (link->jitter > 0)
        delay += world_random(world, link->jitter);
    struct world_item *item = world_post(world, delay, WORLD_EVENT, to, body);
    item->event = (struct relay_event){.type = type, .peer = from, .id = id};
}

void world_frame_send(struct world *world, uint16_t from, uint16_t to, struct bytes body, enum relay_event_type type,
                      uint64_t id)
{
    const struct world_link *link = &world->mesh[from][to];
    bool published = type == RELAY_EVENT_FRAME && id == 0;
    unsigned loss = link->loss > world->loss ? link->loss : world->loss;
    if (link->cut || world->relays[to].core == NULL)
        return;
    if (published && loss > 0 && world_random(world, 1000) < loss)
        return;
    frame_post(world, from, to, body, type, id);
    if (published && link->twice > 0 && world_random(world, 1000) < link->twice)
        frame_post(world, from, to, body, type, id);
}

struct bytes world_payloads_drop(uint8_t **out, uint64_t from, struct bytes records)
{
    struct codec_reader reader;
    struct codec_writer writer;
    *out = malloc(records.len);
    codec_reader_init(&reader, records);
    codec_writer_init(&writer, *out, records.len);
    while (!codec_reader_done(&reader)) {
        struct proof_message message;
        struct proof_result result;
        bool read = proof_message_read(&message, &reader, from++, SIZE_MAX, &result);
        message.has_payload = false;
        message.payload = (struct bytes){NULL, 0};
        memset(message.salt, 0, sizeof(message.salt));
        bool written = read && proof_message_write(&writer, &message);
        assert(written);
    }
    return codec_writer_bytes(&writer);
}

static bool is_messages(const struct world *world, const uint8_t log[32])
{
    for (uint16_t lane = 0; lane < world->shape.lanes; lane++) {
        if (memcmp(world->lanes[lane].logs[0], log, 32) == 0)
            return true;
    }
    return false;
}

/* What a relay tells: its own words, or, of one that strips, without the payloads. Into pack then. */
static struct bytes told(const struct world *world, uint16_t relay, struct codec_pack *pack, struct bytes body)
{
    struct proof_frame frame = {.body = body};
    struct proof_items items;
    struct proof_item item;
    struct proof_result result;
    bool read = proof_items_check(body, &result);
    assert(read);
    if (!world->relays[relay].strips)
        return body;
    proof_items_init(&items, &frame);
    codec_pack_array(pack, items.left);
    while (proof_items_next(&item, &items)) {
        uint8_t *bare = NULL;
        if (item.type == PROOF_ITEM_RANGE && is_messages(world, item.range.log))
            item.range.records = world_payloads_drop(&bare, item.range.from, item.range.records);
        bool written = proof_item_write(pack, &item);
        assert(written);
        free(bare);
    }
    return codec_pack_bytes(pack);
}

/* One that hides answers at once, and without looking. */
static void hidden(struct world *world, uint16_t relay, const struct relay_action *ask)
{
    struct proof_frame frame = {.body = ask->body};
    struct proof_items items;
    struct proof_item item;
    struct codec_pack pack;
    uint32_t count = 0;
    proof_items_init(&items, &frame);
    codec_pack_init(&pack, PROOF_FRAME_BODY_MAX);
    codec_pack_array(&pack, items.left);
    while (proof_items_next(&item, &items)) {
        if (item.type != PROOF_ITEM_ASK)
            break;
        struct proof_item refusal = {.type = PROOF_ITEM_REFUSAL, .refusal = {.reason = PROOF_REFUSAL_PRUNED}};
        memcpy(refusal.refusal.log, item.ask.log, 32);
        bool written = proof_item_write(&pack, &refusal);
        assert(written);
        count++;
    }
    if (count > 0)
        world_frame_send(world, ask->peer, relay, codec_pack_bytes(&pack), RELAY_EVENT_FRAME, ask->id & 0xffffffff);
    codec_pack_fini(&pack);
}

void world_publish(struct world *world, uint16_t relay, const struct relay_action *action)
{
    struct codec_pack pack;
    codec_pack_init(&pack, PROOF_FRAME_BODY_MAX);
    struct bytes body = told(world, relay, &pack, action->body);
    world->relays[relay].published++;
    for (uint16_t peer = 0; peer < world->relays_len; peer++) {
        if (world->relays_of_document[peer].zone == action->zone && topology_route_linked(&world->network, relay, peer))
            world_frame_send(world, relay, peer, body, RELAY_EVENT_FRAME, 0);
    }
    codec_pack_fini(&pack);
}

void world_ask(struct world *world, uint16_t relay, const struct relay_action *action)
{
    struct world_item *timeout = world_post(world, ASK_PATIENCE_MS, WORLD_EVENT, relay, (struct bytes){NULL, 0});
    timeout->event = (struct relay_event){.type = RELAY_EVENT_ASK_FAILED, .peer = action->peer, .id = action->id};
    /* The request names who asked, in which life, and under which id: the answer finds its way by that. */
    uint64_t id =
        (uint64_t)relay << 48 | (uint64_t)(world->relays[relay].life & 0xffff) << 32 | (action->id & 0xffffffff);
    if (world->relays[action->peer].hides)
        hidden(world, relay, action);
    else
        world_frame_send(world, relay, action->peer, action->body, RELAY_EVENT_ASKED, id);
}

void world_answer(struct world *world, uint16_t relay, const struct relay_action *action)
{
    uint16_t asker = (uint16_t)(action->id >> 48);
    assert(asker == action->peer);
    struct codec_pack pack;
    codec_pack_init(&pack, PROOF_FRAME_BODY_MAX);
    struct bytes body = told(world, relay, &pack, action->body);
    if ((world->relays[asker].life & 0xffff) == (action->id >> 32 & 0xffff))
        world_frame_send(world, relay, asker, body, RELAY_EVENT_FRAME, action->id & 0xffffffff);
    codec_pack_fini(&pack);
}

void world_cut(struct world *world, uint16_t a, uint16_t b, bool cut)
{
    world->mesh[a][b].cut = world->mesh[b][a].cut = cut;
}

void world_isolate(struct world *world, uint16_t relay, bool cut)
{
    for (uint16_t i = 0; i < world->relays_len; i++)
        world_cut(world, relay, i, cut);
}
