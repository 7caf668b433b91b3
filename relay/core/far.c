/*
 * Headers and evidence over the mesh: a relay with a first header of a chain, but no source of it, sees for itself. What one relay
 * believed it tells the neighbour zones once; who has verified it passes it on. What lacks in between is asked for, of peers, who
 * ask their sources, or their peers.
 */
#include <string.h>

#include "relay/core/parts.h"
#include "topology/route.h"

enum {
    ASKED_MS = 4000,  /* before the asker gives up */
    ASKED_PLACES = 2, /* of one peer */
    ROUND_MS = 1000   /* a question passed on within it has come round, among relays without sources: it ends here */
};

static int chain_by_identity(const struct relay_core *core, const uint8_t identity[32])
{
    for (size_t i = 0; i < core->network->chains_len; i++) {
        if (memcmp(core->network->chains[i].identity, identity, 32) == 0)
            return (int)i;
    }
    return -1;
}

/* An evidence item into core->pack, which holds `items` array elements before it. */
static void evidence_pack(struct relay_core *core, uint16_t chain, struct bytes message)
{
    struct proof_item item = {.type = PROOF_ITEM_EVIDENCE, .evidence = {.message = message}};
    memcpy(item.evidence.chain, core->network->chains[chain].identity, 32);
    proof_item_write(&core->pack, &item);
}

static struct bytes header_encode(struct relay_core *core, const struct core_light_state *state)
{
    struct connector_message message = {.type = CONNECTOR_HEADER,
                                        .header = {.height = (uint64_t)state->state.height,
                                                   .time = (uint64_t)state->state.time.seconds,
                                                   .header = {state->bundle, state->bundle_len}}};
    memcpy(message.header.hash, state->state.hash, 32);
    codec_pack_clear(&core->pack);
    codec_connector_encode(&core->pack, &message);
    return core_keep(core, codec_pack_bytes(&core->pack));
}

/* ---- telling ------------------------------------------------------------------------------------------------------- */

void core_far_tell(struct relay_core *core, const struct core_light *light, uint16_t from_peer, uint64_t height,
                   struct bytes message)
{
    const uint8_t *identity = core->network->chains[light->chain].identity;
    uint16_t zone = core->network->relays[core->config.self].zone;
    bool own = from_peer == core->config.self;
    /* Of a zone's relays with sources one tells: each height is another one's turn, so none is missed for long. */
    if (core->zones_len == 0 || message.len == 0 || message.len > PROOF_ITEM_EVIDENCE_MAX ||
        (own && topology_turn_push(core->network, zone, light->chain, identity, height) != core->config.self))
        return;
    codec_pack_clear(&core->pack);
    evidence_pack(core, light->chain, message);
    if (!core->pack.failed)
        core_gossip_tell(core, from_peer, codec_pack_bytes(&core->pack));
}

void core_far_tell_newest(struct relay_core *core, const struct core_light *light, uint16_t from_peer)
{
    const struct core_light_state *state = &light->states[0];
    if (state->bundle != NULL)
        core_far_tell(core, light, from_peer, (uint64_t)state->state.height, header_encode(core, state));
}

/* ---- asking -------------------------------------------------------------------------------------------------------- */

bool core_far_ask(struct relay_core *core, const struct core_light *light, struct core_want *want)
{
    size_t relays = core->network->relays_len;
    for (size_t i = 0; i < relays; i++) {
        uint16_t peer = (uint16_t)((core->config.self + ++want->peer) % relays);
        if (!core->peers[peer].neighbour || !core->peers[peer].up || peer + 1u == want->not_peer)
            continue;
        struct proof_item item = {.type = PROOF_ITEM_ASK_HEADER, .ask_header = {.height = want->height}};
        memcpy(item.ask_header.chain, core->network->chains[light->chain].identity, 32);
        codec_pack_clear(&core->pack);
        codec_pack_array(&core->pack, 1);
        proof_item_write(&core->pack, &item);
        struct relay_action *action = core_act(core, RELAY_ACTION_ASK);
        action->id = ++core->next_id * core->logs_len; /* one number space with core_ask */
        action->peer = peer;
        action->body = core_keep(core, codec_pack_bytes(&core->pack));
        return true;
    }
    return false;
}

static void answer(struct relay_core *core, uint16_t chain, uint16_t peer, uint64_t request, struct bytes message)
{
    struct codec_pack items;
    codec_pack_init(&items, PROOF_FRAME_BODY_MAX - 64);
    codec_pack_clear(&core->pack);
    if (message.len > 0 && message.len <= PROOF_ITEM_EVIDENCE_MAX) {
        evidence_pack(core, chain, message);
    } else {
        struct proof_item item = {.type = PROOF_ITEM_REFUSAL, .refusal = {.reason = PROOF_REFUSAL_NOT_HERE}};
        memcpy(item.refusal.log, core->network->chains[chain].identity, 32);
        proof_item_write(&core->pack, &item);
    }
    codec_pack_raw(&items, codec_pack_bytes(&core->pack));
    if (!core->pack.failed && !items.failed)
        core_answer_send(core, peer, request, codec_pack_bytes(&items), 1);
    codec_pack_fini(&items);
}

void core_far_asked(struct relay_core *core, const struct proof_item_ask_header *ask, uint16_t peer, uint64_t request)
{
    int chain = chain_by_identity(core, ask->chain);
    struct core_light *light = chain >= 0 ? core->lights[chain] : NULL;
    const struct core_light_state *state = light != NULL ? core_trust_at(light, ask->height) : NULL;
    struct core_far_asked *place = NULL;
    if (chain < 0)
        return;
    if (light == NULL || (state != NULL && state->bundle != NULL)) {
        answer(core, (uint16_t)chain, peer, request,
               state != NULL ? header_encode(core, state) : (struct bytes){NULL, 0});
        return;
    }
    struct core_far_asked *mine = NULL; /* the newer question of a peer takes the place of its oldest */
    bool round = false;
    uint64_t passed = core->now;
    size_t count = 0;
    for (size_t i = 0; i < CORE_FAR_ASKED; i++) {
        struct core_far_asked *one = &light->asked[i];
        bool own = one->height != 0 && one->peer == peer;
        if (one->height == ask->height && core->now - one->passed < ROUND_MS) {
            round = true;
            passed = one->passed; /* or many peers that ask in turn would keep each other's questions here for ever */
        }
        count += own;
        mine = own && (mine == NULL || one->request < mine->request) ? one : mine;
        place = one->height == 0 ? one : place;
    }
    if (count >= ASKED_PLACES) {
        answer(core, (uint16_t)chain, peer, mine->request, (struct bytes){NULL, 0});
        *mine = (struct core_far_asked){0};
        place = mine;
    }
    struct core_want want = {.height = ask->height, .peer = light->turn, .not_peer = peer + 1u};
    if (core->chains[chain].sources_len == 0)
        light->turn += !round; /* another neighbour each time: one of them may have a source */
    if (place == NULL || (!round && !core_want_ask(core, light, &want))) {
        answer(core, (uint16_t)chain, peer, request, (struct bytes){NULL, 0});
        return;
    }
    *place = (struct core_far_asked){
        .peer = peer, .request = request, .height = ask->height, .until = core->now + ASKED_MS, .passed = passed};
}

void core_far_tick(struct relay_core *core, struct core_light *light)
{
    for (size_t i = 0; i < CORE_FAR_ASKED; i++) {
        struct core_far_asked *asked = &light->asked[i];
        if (asked->height == 0 || core->now < asked->until)
            continue;
        answer(core, light->chain, asked->peer, asked->request, (struct bytes){NULL, 0});
        *asked = (struct core_far_asked){0};
    }
}

void core_far_arrived(struct relay_core *core, struct core_light *light, const struct connector_header *header)
{
    struct connector_message message = {.type = CONNECTOR_HEADER, .header = *header};
    for (size_t i = 0; i < CORE_FAR_ASKED; i++) {
        struct core_far_asked *asked = &light->asked[i];
        if (asked->height == 0 || asked->height != header->height)
            continue;
        codec_pack_clear(&core->pack);
        codec_connector_encode(&core->pack, &message);
        answer(core, light->chain, asked->peer, asked->request, core_keep(core, codec_pack_bytes(&core->pack)));
        *asked = (struct core_far_asked){0};
    }
}

/* ---- what peers tell ----------------------------------------------------------------------------------------------- */

/* Marks of logs of this chain, all in one contract; false: it is about others. `news`: one of them is beyond what is proven. */
static bool marks_take(const struct relay_core *core, struct core_evidence *evidence,
                       const struct connector_evidence *message, bool *news)
{
    *news = false;
    for (size_t i = 0; i < message->marks_len; i++) {
        uint32_t watch = message->marks[i].watch;
        if (watch >= core->logs_len || core->logs[watch].home != evidence->chain)
            return false;
        const struct core_log *log = &core->logs[watch];
        if ((log->kind == PROOF_LOG_OUTCOME) != (core->logs[message->marks[0].watch].kind == PROOF_LOG_OUTCOME))
            return false;
        evidence->marks[i].log = (uint16_t)watch;
        evidence->marks[i].number = message->marks[i].number;
        uint64_t known = log->waiting != NULL && log->waiting_number > log->proven ? log->waiting_number : log->proven;
        *news = *news || message->marks[i].number > known;
    }
    evidence->marks_len = message->marks_len;
    return message->marks_len > 0;
}

static void evidence_take(struct relay_core *core, struct core_light *light, const struct connector_evidence *message,
                          struct bytes whole, uint16_t peer)
{
    struct core_evidence *evidence = core_evidence_of(core, light->chain, RELAY_NO_SOURCE, whole);
    bool news;
    if (message->kind != CONNECTOR_EVIDENCE_ICS23 || !marks_take(core, evidence, message, &news)) {
        core_note(core, RELAY_WARNING, RELAY_REASON_PEER_REFUSED, NULL, 0, "relay %s: evidence of other logs",
                  core->network->relays[peer].name);
        core_evidence_release(evidence);
    } else if (!news) {
        core_evidence_release(evidence);
    } else {
        core_light_give(core, light, evidence, message->height, message->header, message->proof, whole, peer);
    }
}

static void item_take(struct relay_core *core, const struct proof_item_evidence *item, uint16_t peer)
{
    int chain = chain_by_identity(core, item->chain);
    struct core_light *light = chain >= 0 ? core->lights[chain] : NULL;
    struct connector_message message;
    if (light == NULL || core->chains[chain].sources_len > 0) /* one's own sources say as much */
        return;
    if (core->now < core->peers[peer].unheard_until)
        return;
    bool known = codec_connector_decode(&message, core->scratch, item->message, NULL);
    if (known && message.type == CONNECTOR_HEADER)
        core_light_told(core, light, &message.header, peer);
    else if (known && message.type == CONNECTOR_EVIDENCE)
        evidence_take(core, light, &message.evidence, item->message, peer);
    else
        core_note(core, RELAY_WARNING, RELAY_REASON_PEER_REFUSED, NULL, 0, "relay %s: malformed evidence",
                  core->network->relays[peer].name);
}

static bool follows_any(const struct relay_core *core)
{
    bool any = false;
    for (size_t i = 0; i < core->network->chains_len; i++)
        any = any || core->lights[i] != NULL;
    return any;
}

void core_far_frame(struct relay_core *core, struct bytes body, uint16_t peer)
{
    struct proof_frame frame = {.body = body};
    struct proof_items items;
    struct proof_item item;
    if (!follows_any(core))
        return;
    proof_items_init(&items, &frame);
    while (proof_items_next(&item, &items)) {
        if (item.type == PROOF_ITEM_EVIDENCE)
            item_take(core, &item.evidence, peer);
    }
}

/* ---- what it proves ------------------------------------------------------------------------------------------------ */

bool core_far_proves(const struct core_log *log, uint64_t number, const uint8_t running[32])
{
    for (size_t i = 0; log->waiting != NULL && !log->is_home && i < log->waiting->fact.logs_len; i++) {
        if (memcmp(log->waiting->fact.logs[i].log, log->id, 32) == 0)
            return number == log->waiting_number && memcmp(log->waiting->fact.logs[i].running, running, 32) == 0;
    }
    return false;
}

/* Proven evidence meets the records that others brought: they are proven, too, or were made up. */
static void log_prove(struct relay_core *core, struct core_log *log, uint64_t number, const uint8_t running[32])
{
    const struct core_log *entries = log->kind == PROOF_LOG_SETTLEMENT ? log - 1 : log;
    const uint8_t *ours = core_log_running(core, entries, number);
    if (ours == NULL || number <= log->proven)
        return;
    if (memcmp(ours, running, 32) == 0) {
        log->proven = number;
        log->row_dirty = true;
    } else if (entries == log && number <= core_log_confirmed(log)) {
        core_log_freeze(core, log, RELAY_REASON_CERTIFICATES_CONFLICT, number,
                        "what is proven contradicts a certificate");
    } else if (entries == log) {
        core_note(core, RELAY_WARNING, RELAY_REASON_CLAIM_REPLACED, log, number, "claims differ from what is proven");
        core_log_truncate(core, log, core_log_confirmed(log));
    }
    core_log_mark(core, log);
}

void core_far_retry(struct relay_core *core, struct core_log *log)
{
    struct core_evidence *evidence = log->waiting;
    const struct core_log *entries = log->kind == PROOF_LOG_SETTLEMENT ? log - 1 : log;
    if (evidence == NULL || log->waiting_number > entries->stored)
        return;
    log->waiting = NULL;
    for (size_t i = 0; i < evidence->marks_len; i++) {
        if (&core->logs[evidence->marks[i].log] == log && !log->frozen)
            log_prove(core, log, log->waiting_number, evidence->fact.logs[i].running);
    }
    core_evidence_release(evidence);
}

bool core_far_apply(struct relay_core *core, struct core_evidence *evidence)
{
    bool news = false;
    for (size_t i = 0; i < evidence->marks_len; i++) {
        struct core_log *log = &core->logs[evidence->marks[i].log];
        uint64_t number = evidence->marks[i].number;
        if (log->is_home || log->frozen || number <= log->proven ||
            (log->waiting != NULL && number <= log->waiting_number))
            continue;
        news = true;
        core_evidence_release(log->waiting);
        log->waiting = evidence;
        log->waiting_number = number;
        evidence->refs++;
        core_far_retry(core, log);
    }
    return news;
}
