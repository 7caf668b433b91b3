/* The virtual mesh: every direction of every link loses, repeats, delays and turns round what it carries, as the link says. */
#include <assert.h>
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

static void well_formed(struct bytes body)
{
    struct proof_result result;
    bool read = proof_items_check(body, &result);
    assert(read);
}

void world_publish(struct world *world, uint16_t relay, const struct relay_action *action)
{
    world->relays[relay].published++;
    well_formed(action->body);
    for (uint16_t peer = 0; peer < world->relays_len; peer++) {
        if (world->relays_of_document[peer].zone == action->zone && topology_route_linked(&world->network, relay, peer))
            world_frame_send(world, relay, peer, action->body, RELAY_EVENT_FRAME, 0);
    }
}

void world_ask(struct world *world, uint16_t relay, const struct relay_action *action)
{
    struct world_item *timeout = world_post(world, ASK_PATIENCE_MS, WORLD_EVENT, relay, (struct bytes){NULL, 0});
    timeout->event = (struct relay_event){.type = RELAY_EVENT_ASK_FAILED, .peer = action->peer, .id = action->id};
    /* The request names who asked, in which life, and under which id: the answer finds its way by that. */
    uint64_t id =
        (uint64_t)relay << 48 | (uint64_t)(world->relays[relay].life & 0xffff) << 32 | (action->id & 0xffffffff);
    well_formed(action->body);
    world_frame_send(world, relay, action->peer, action->body, RELAY_EVENT_ASKED, id);
}

void world_answer(struct world *world, uint16_t relay, const struct relay_action *action)
{
    uint16_t asker = (uint16_t)(action->id >> 48);
    assert(asker == action->peer);
    well_formed(action->body);
    if ((world->relays[asker].life & 0xffff) == (action->id >> 32 & 0xffff))
        world_frame_send(world, relay, asker, action->body, RELAY_EVENT_FRAME, action->id & 0xffffffff);
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
