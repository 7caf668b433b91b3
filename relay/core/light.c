/*
 * Chains whose headers prove themselves (DESIGN section 6; docs/light-client-cometbft.md): what sources send is verified one piece
 * after another from the header that is trusted, and the trust that it leads to is on disk before a fact of it counts.
 */
#include <stdlib.h>
#include <string.h>

#include "relay/core/parts.h"

enum {
    UNHEARD_MS = 60000, /* of a peer whose evidence was false */
    PEER_PLACES = 2,    /* of one peer in the queue */
    AHEAD_BLOCKS = 2,
    FAR_MS = 60000 /* between two headers of one source that are too far: the queue waits for what leads to one */
};

#define NANOSECONDS INT64_C(1000000000)

struct core_light *core_light_of(const struct relay_core *core, uint16_t chain)
{
    return core->lights[chain];
}

static bool begun(const struct core_light *light)
{
    return light->trust.latest.height > 0;
}

static uint64_t trusted_height(const struct core_light *light)
{
    return (uint64_t)light->trust.latest.height;
}

/* ---- beginning and end --------------------------------------------------------------------------------------------- */

void core_lights_new(struct relay_core *core)
{
    core->lights = core_alloc(NULL, core->network->chains_len, sizeof(*core->lights));
    for (uint16_t i = 0; i < core->network->chains_len; i++) {
        core->lights[i] = NULL;
        const struct relay_trust *first = NULL;
        for (size_t j = 0; j < core->config.trusts_len; j++) {
            if (core->config.trusts[j].chain == i)
                first = &core->config.trusts[j];
        }
        bool followed = core->chains[i].sources_len > 0 || first != NULL; /* without sources: from what peers tell */
        if (!topology_chain_is_light(&core->network->chains[i]) || !followed)
            continue;
        struct core_light *light = core_alloc(NULL, 1, sizeof(*light));
        memset(light, 0, sizeof(*light));
        light->chain = i;
        light->first = first;
        light->space = proof_cometbft_space_new(CORE_LIGHT_VALIDATORS, CORE_LIGHT_KEYS);
        core->lights[i] = light;
    }
}

static void item_drop(struct core_light_item *item)
{
    core_evidence_release(item->evidence);
    *item = (struct core_light_item){0};
}

void core_lights_free(struct relay_core *core)
{
    for (size_t i = 0; i < core->network->chains_len; i++) {
        struct core_light *light = core->lights[i];
        if (light == NULL)
            continue;
        for (size_t j = 0; j < light->queue_len; j++)
            item_drop(&light->queue[j]);
        for (size_t j = 0; j < light->proven_len; j++)
            item_drop(&light->proven[j]);
        core_trust_free(light);
        for (size_t j = 0; j < light->offences.queue_len; j++)
            item_drop(&light->offences.queue[j]);
        item_drop(&light->step);
        item_drop(&light->other);
        proof_cometbft_space_free(light->space);
        free(light);
    }
    free(core->lights);
}

enum relay_cause core_light_cause(const struct relay_core *core, uint16_t chain)
{
    const struct core_light *light = core->lights[chain];
    if (light == NULL)
        return topology_chain_is_light(&core->network->chains[chain]) && core->chains[chain].sources_len > 0
                   ? RELAY_CAUSE_TRUST
                   : RELAY_CAUSE_NONE;
    if (light->trust.attack != PROOF_COMETBFT_NO_ATTACK)
        return RELAY_CAUSE_ATTACK;
    if (!begun(light) || light->expired)
        return RELAY_CAUSE_TRUST;
    return core_witness_diverges(core, chain) ? RELAY_CAUSE_SOURCES_DISAGREE : RELAY_CAUSE_NONE;
}

void core_light_committed(struct relay_core *core)
{
    for (size_t i = 0; i < core->network->chains_len; i++) {
        if (core->lights[i] == NULL)
            continue;
        core_light_drive(core, core->lights[i]);
    }
}

/* ---- jobs ---------------------------------------------------------------------------------------------------------- */

struct relay_verify_job *core_light_job(struct relay_core *core, struct core_light *light,
                                        const struct core_light_item *item, enum relay_verify_kind kind)
{
    const struct topology_chain *document = &core->network->chains[light->chain];
    struct relay_verify_job *job = core_evidence_job(core, item->evidence);
    job->kind = kind;
    job->light.space = light->space;
    job->light.options =
        (struct proof_cometbft_options){.now = {.seconds = (int64_t)core->unix_time},
                                        .trusting_period = (int64_t)document->light.trusting_period * NANOSECONDS,
                                        .clock_drift = (int64_t)document->light.clock_drift * NANOSECONDS,
                                        .trust_numerator = document->light.trust_numerator,
                                        .trust_denominator = document->light.trust_denominator};
    job->light.height = item->height <= INT64_MAX ? (int64_t)item->height : 0;
    job->light.trust = light->trust;
    job->light.next = (struct bytes){light->next, light->next_len};
    job->light.bundle = item->bundle;
    job->light.proof = item->proof;
    light->verifying = true;
    return job;
}

static void first_job(struct relay_core *core, struct core_light *light)
{
    const char *id = core->network->chains[light->chain].id;
    const char *reference = strchr(id, ':') + 1; /* CAIP-2: checked by topology */
    struct relay_verify_job *job = core_light_job(core, light, &light->step, RELAY_VERIFY_LIGHT_FIRST);
    job->light.chain_id = (struct bytes){(const uint8_t *)reference, strlen(reference)};
    job->light.height = (int64_t)light->first->height;
    memcpy(job->light.hash, light->first->hash, 32);
}

static void proof_job(struct relay_core *core, struct core_light *light, const struct core_light_item *item,
                      const struct core_light_state *older)
{
    const struct topology_chain *document = &core->network->chains[light->chain];
    const struct core_evidence *evidence = item->evidence;
    struct relay_verify_job *job = core_light_job(core, light, item, RELAY_VERIFY_LIGHT_PROOF);
    bool outcomes = core->logs[evidence->marks[0].log].kind == PROOF_LOG_OUTCOME;
    memcpy(job->light.app.account, outcomes ? document->inbox : document->outbox, 32);
    job->light.app.store = (struct bytes){(const uint8_t *)document->light.store, strlen(document->light.store)};
    job->places_len = evidence->marks_len;
    for (size_t i = 0; i < evidence->marks_len; i++) {
        const struct core_log *log = &core->logs[evidence->marks[i].log];
        memcpy(job->light.places[i].log, log->id, 32);
        job->light.places[i].kind = log->kind;
    }
    if (older != NULL) {
        job->light.trust = (struct proof_cometbft_trust){.changes = 1, .latest = older->state};
        job->light.next = (struct bytes){older->next, older->next_len};
    }
}

struct core_light_item core_light_pop(struct core_light_item *items, size_t *len)
{
    struct core_light_item item = items[0];
    (*len)--;
    memmove(&items[0], &items[1], *len * sizeof(items[0]));
    return item;
}

void core_light_drive(struct relay_core *core, struct core_light *light)
{
    core_facts_apply(core, light);
    if (light->verifying || light->trust.attack != PROOF_COMETBFT_NO_ATTACK || light->expired)
        return;
    if (core_witness_job(core, light))
        return;
    if (light->step.evidence != NULL) {
        if (begun(light))
            core_light_job(core, light, &light->step, RELAY_VERIFY_LIGHT_HEADER);
        else
            first_job(core, light);
        return;
    }
    while (begun(light) && light->want.height == 0 && light->queue_len > 0 && light->proven_len < CORE_LIGHT_QUEUE) {
        const struct core_light_item *item = &light->queue[0];
        bool older = item->height < trusted_height(light);
        const struct core_light_state *state = older ? core_trust_below(light, item->height) : NULL;
        if (older && (state == NULL || item->proof.len == 0)) {
            core_evidence_forget(
                core, core_light_pop(light->queue, &light->queue_len).evidence); /* newer evidence will show as much */
            continue;
        }
        if (item->proof.len > 0)
            proof_job(core, light, item, state);
        else
            core_light_job(core, light, item, RELAY_VERIFY_LIGHT_HEADER);
        return;
    }
    core_offence_job(core, light);
}

/* ---- what came of them --------------------------------------------------------------------------------------------- */

static void trust_take(struct relay_core *core, struct core_light *light, const struct relay_verify_job *job)
{
    bool first = !begun(light);
    uint64_t height = (uint64_t)job->light.trust.latest.height;
    if (job->source != RELAY_NO_SOURCE && core->sources[job->source].final_height < height)
        core->sources[job->source].final_height = height; /* it showed it */
    core_trust_take(core, light, &job->light.trust, job->light.next, job->light.bundle);
    if (first)
        core_want_begun(core, light);
    core_witness_trusted(core, light, height, job->source);
}

/* A source's evidence of below the newest header: it is one that witnesses may be asked about, too. False: validators signed another
 * one that cannot stand beside it. */
static bool older_take(struct relay_core *core, struct core_light *light, const struct relay_verify_job *job)
{
    const struct proof_cometbft_trust *trust = &job->light.trust;
    uint64_t height = (uint64_t)trust->latest.height;
    if (core_trust_at(light, height) != NULL)
        return true;
    if (core_witness_beside(core, light, job->source, job->light.bundle))
        return false;
    core_trust_remember(light, &trust->latest, trust->before.height, job->light.next, job->light.bundle);
    core_witness_trusted(core, light, height, job->source);
    return true;
}

static void believed(struct relay_core *core, struct core_light *light, const struct relay_verify_job *job)
{
    bool moved = job->light.trust.latest.height > light->trust.latest.height;
    bool step = job->owner == light->step.evidence;
    uint16_t peer = step ? light->step.peer : light->queue[0].peer;
    bool header = step || light->queue[0].proof.len == 0;
    if (moved)
        trust_take(core, light, job);
    if (moved && header)
        core_far_tell_newest(core, light, peer != RELAY_NO_SOURCE ? peer : core->config.self);
    if (step) {
        item_drop(&light->step);
        light->want = (struct core_want){0};
        return;
    }
    struct core_light_item item = core_light_pop(light->queue, &light->queue_len);
    if (item.proof.len > 0 && !moved && peer == RELAY_NO_SOURCE && !older_take(core, light, job)) {
        core_evidence_forget(core, item.evidence);
        return;
    }
    if (item.proof.len > 0) {
        core_facts_take(light, item, &job->light.fact);
        return;
    }
    if (moved)
        core_teach_header(core, light, item.bundle); /* so that a signer with little to sign stays within its period */
    item_drop(&item);
}

/* Too little of the trusted set signed: a header halfway may have enough (proof_cometbft_bisect_give). */
static void too_far(struct relay_core *core, struct core_light *light, const struct relay_verify_job *job)
{
    bool step = job->owner == light->step.evidence;
    uint64_t tried = step ? light->step.height : light->queue[0].height;
    uint64_t latest = trusted_height(light);
    if (step)
        item_drop(&light->step);
    if (tried <= latest) { /* judged from an older header: newer evidence will show as much */
        if (!step)
            core_evidence_forget(core, core_light_pop(light->queue, &light->queue_len).evidence);
        return;
    }
    if (!step && light->queue[0].proof.len == 0 && light->queue[0].peer == RELAY_NO_SOURCE)
        core->sources[light->queue[0].evidence->source].far_at = core->now + FAR_MS;
    light->want = (struct core_want){.height = latest + (tried > latest + 1 ? (tried - latest) / 2 : 1)};
    core_want_ask(core, light, &light->want);
}

void core_light_expire(struct relay_core *core, struct core_light *light)
{
    if (light->expired)
        return;
    light->expired = true;
    core_note(core, RELAY_ALARM, RELAY_REASON_TRUST_EXPIRED, NULL, 0,
              "%s: the newest trusted header, at height %llu, is older than the trusting period: this relay abstains. "
              "Check a newer header with others and give its height and hash under trust: in relay.yaml, then restart",
              core->network->chains[light->chain].id, (unsigned long long)trusted_height(light));
    core_log_mark_home(core, light->chain);
}

/* One who is not to blame: our clock, or a trust that went on meanwhile. */
static bool innocent(enum proof_reason reason)
{
    return reason == PROOF_REASON_COMETBFT_EXPIRED || reason == PROOF_REASON_COMETBFT_FUTURE ||
           reason == PROOF_REASON_COMETBFT_NOT_NEWER;
}

static void disproved(struct relay_core *core, struct core_light *light, const struct relay_verify_job *job)
{
    struct core_evidence *evidence = job->owner;
    bool step = evidence == light->step.evidence;
    struct core_light_item item = step ? light->step : core_light_pop(light->queue, &light->queue_len);
    if (step)
        light->step = (struct core_light_item){0};
    light->want.again = core->now; /* the next source, when one was asked */
    if (step && !begun(light) && item.peer == RELAY_NO_SOURCE &&
        job->result.reason == PROOF_REASON_HEADER_HASH_MISMATCH) {
        core_want_differs(core, light, &item);
        item_drop(&item);
        return;
    }
    if (item.peer != RELAY_NO_SOURCE) {
        core_note(core, RELAY_WARNING, RELAY_REASON_PEER_REFUSED, NULL, 0, "relay %s: %s at height %llu: %s",
                  core->network->relays[item.peer].name, core->network->chains[light->chain].id,
                  (unsigned long long)item.height, proof_reason_text(job->result.reason));
        if (!step && !innocent(job->result.reason)) /* a step is passed on unverified, by honest ones, too */
            core->peers[item.peer].unheard_until = core->now + UNHEARD_MS;
        item_drop(&item);
        return;
    }
    if (core_witness_contests(core, evidence->source, trusted_height(light)) ||
        core_witness_unheard(core, light, evidence->source, job)) {
        core_evidence_forget(core, evidence);
        return;
    }
    /* Its time is not later than that of the one trusted here: one of the two is a lie, and witness.c finds out whose. */
    bool contradicts = job->result.reason == PROOF_REASON_COMETBFT_TIME && !step &&
                       core_witness_beside(core, light, evidence->source, item.bundle);
    if (contradicts) {
        core_chain_blame(core, evidence->source, false, "its time contradicts that of a header that is trusted");
        core_evidence_forget(core, evidence);
        return;
    }
    if (!innocent(job->result.reason)) {
        core_evidence_disprove(core, evidence, &job->result);
        item_drop(&item);
        return;
    }
    core_note(core, RELAY_WARNING, RELAY_REASON_EVIDENCE_REFUSED, NULL, 0, "%s: height %llu from source %s: %s",
              core->network->chains[light->chain].id, (unsigned long long)item.height,
              core->config.sources[evidence->source].name, proof_reason_text(job->result.reason));
    if (job->result.reason != PROOF_REASON_COMETBFT_EXPIRED) /* whether the newest trust is: core_light_tick */
        core_chain_blame(core, evidence->source, false, "a header from the future, or no newer one");
    struct proof_cometbft_height height;
    struct cometbft_header header;
    uint8_t hash[32];
    if (core_trust_at(light, item.height) != NULL && proof_cometbft_height_read(&height, item.bundle) &&
        cometbft_header_read(&header, height.block.header) && proof_cometbft_header_hash(hash, &header))
        core_witness_header(core, light, evidence->source, item.height, hash, item.bundle);
    core_evidence_forget(core, item.evidence);
}

void core_light_verified(struct relay_core *core, struct relay_verify_job *job)
{
    struct core_light *light = core->lights[job->chain];
    light->verifying = false;
    if (job->kind == RELAY_VERIFY_LIGHT_ATTACK)
        core_witness_verified(core, light, job);
    else if (job->kind == RELAY_VERIFY_LIGHT_DOUBLE_VOTE)
        core_offence_verified(core, light, job);
    else if (job->verdict == PROOF_VALID)
        believed(core, light, job);
    else if (job->verdict == PROOF_NOT_ENOUGH_TRUST)
        too_far(core, light, job);
    else
        disproved(core, light, job);
    core_light_drive(core, light);
}

/* ---- what sources send --------------------------------------------------------------------------------------------- */

/* Where a view into one piece of memory lies in its copy. */
static struct bytes moved(struct bytes view, struct bytes from, const uint8_t *to)
{
    return (struct bytes){to + (view.data - from.data), view.len};
}

/* One peer does not keep the others out. */
static bool has_place(const struct core_light *light, uint16_t peer)
{
    size_t mine = 0;
    for (size_t i = 0; i < light->queue_len; i++)
        mine += peer != RELAY_NO_SOURCE && light->queue[i].peer == peer;
    return light->queue_len < CORE_LIGHT_QUEUE && mine < PEER_PLACES;
}

void core_light_evidence(struct relay_core *core, struct core_evidence *evidence,
                         const struct connector_evidence *message, struct bytes whole)
{
    core_light_give(core, core->lights[evidence->chain], evidence, message->height, message->header, message->proof,
                    whole, RELAY_NO_SOURCE);
}

void core_light_give(struct relay_core *core, struct core_light *light, struct core_evidence *evidence, uint64_t height,
                     struct bytes header, struct bytes proof, struct bytes whole, uint16_t peer)
{
    if (light->trust.attack != PROOF_COMETBFT_NO_ATTACK || !has_place(light, peer)) {
        core_evidence_forget(core, evidence);
        return;
    }
    light->queue[light->queue_len++] = (struct core_light_item){.evidence = evidence,
                                                                .height = height,
                                                                .bundle = moved(header, whole, evidence->bytes),
                                                                .proof = moved(proof, whole, evidence->bytes),
                                                                .peer = peer};
    core_light_drive(core, light);
}

static struct core_light_item header_item(const struct relay_core *core, const struct core_light *light,
                                          uint16_t source, uint16_t peer, const struct connector_header *header)
{
    struct core_light_item item = {.evidence = core_evidence_of(core, light->chain, source, header->header),
                                   .height = header->height,
                                   .peer = peer};
    item.bundle = (struct bytes){item.evidence->bytes, item.evidence->bytes_len};
    return item;
}

/* Nothing moved the trust for long: a header by itself does, or it would expire on a chain without traffic. */
static bool is_old(const struct relay_core *core, const struct core_light *light)
{
    uint64_t period = core->network->chains[light->chain].light.trusting_period;
    int64_t age = (int64_t)core->unix_time - light->trust.latest.time.seconds;
    return begun(light) && age > (int64_t)(period / 3);
}

/* It is ahead of the source that serves: when its header is believed, and the other stays behind, it takes its place. */
static bool is_ahead(const struct relay_core *core, uint16_t source, const struct connector_header *header)
{
    uint16_t primary = core->chains[core->config.sources[source].chain].primary;
    return primary != RELAY_NO_SOURCE && primary != source &&
           header->height > core->sources[primary].final_height + AHEAD_BLOCKS;
}

void core_light_header(struct relay_core *core, uint16_t source, const struct connector_header *header)
{
    struct core_light *light = core->lights[core->config.sources[source].chain];
    if (header->header.len == 0 || header->height == 0)
        return;
    bool contradicts = core_witness_header(core, light, source, header->height, header->hash, header->header);
    if (light->want.height == header->height && light->step.evidence == NULL)
        light->step = header_item(core, light, source, RELAY_NO_SOURCE, header);
    core_far_arrived(core, light, header);
    if (core_want_answers(core, light, &light->signer_want, source, header->height))
        core_teach_header(core, light, header->header);
    bool wanted = is_old(core, light) || core_witness_disputes(core, source, header) || is_ahead(core, source, header);
    if (wanted && !contradicts && begun(light) && light->queue_len == 0 && header->height > trusted_height(light) &&
        core->now >= core->sources[source].far_at)
        light->queue[light->queue_len++] = header_item(core, light, source, RELAY_NO_SOURCE, header);
    core_light_drive(core, light);
}

void core_light_told(struct relay_core *core, struct core_light *light, const struct connector_header *header,
                     uint16_t peer)
{
    if (header->header.len == 0 || header->height == 0 || light->trust.attack != PROOF_COMETBFT_NO_ATTACK)
        return;
    core_far_arrived(core, light, header);
    if (light->want.height == header->height && light->step.evidence == NULL)
        light->step = header_item(core, light, RELAY_NO_SOURCE, peer, header);
    else if (begun(light) && header->height > trusted_height(light) && has_place(light, peer))
        light->queue[light->queue_len++] = header_item(core, light, RELAY_NO_SOURCE, peer, header);
    core_light_drive(core, light);
}

void core_light_let_go(struct relay_core *core, struct core_light *light)
{
    if (light->queue_len == 0)
        return;
    struct core_light_item item = core_light_pop(light->queue, &light->queue_len);
    uint16_t source = item.evidence->source;
    if (item.peer != RELAY_NO_SOURCE)
        core->peers[item.peer].unheard_until = core->now + UNHEARD_MS;
    core_evidence_forget(core, item.evidence);
    if (core_witness_contests(core, source, trusted_height(light)))
        return;
    if (source != RELAY_NO_SOURCE && source != core->chains[light->chain].primary)
        core_ban(core, source, "showed a header to which nothing leads");
    else if (source != RELAY_NO_SOURCE)
        core_chain_blame(core, source, true, "no header leads to its evidence");
}
