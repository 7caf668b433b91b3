/*
 * Sources as witnesses: each one's headers are held against what was proven from another's, and what was proven waits for their word,
 * for a while. A header that contradicts a trusted one and follows from the same header as it proves that validators lied, which
 * freezes the chain; one that does not follow proves nothing, and this relay abstains until that source is gone or says what the
 * others say. One of another height contradicts by its time alone; where that cannot be judged it is not held against anybody.
 */
#include <string.h>

#include "proofs/codec/hex.h"
#include "relay/core/parts.h"

enum {
    SHOW_MS = 5000, /* for a source to show the header whose hash it said */
    /* For a source to say the header of a height that another one has proven: connectors look for new blocks once a second, and
     * blocks of this family are 1 to 7 s apart, so one that keeps up has it long before. Who does not is no witness until it does:
     * one that is stuck, or always behind, costs this once. What counts is how often it could answer: not the time in which this
     * process stood still. */
    HEAR_MS = 5000,
    ASK_MS = 500,    /* until such a one is asked again */
    JUDGE_MS = 60000 /* between two headers of one source that are judged by their times: what came of it is kept */
};

bool core_witness_diverges(const struct relay_core *core, uint16_t chain)
{
    for (size_t i = 0; i < core->chains[chain].sources_len; i++) {
        const struct core_source *source = &core->sources[core->chains[chain].sources[i]];
        if (source->up && source->diverges != 0)
            return true;
    }
    return false;
}

bool core_witness_contests(const struct relay_core *core, uint16_t source, uint64_t height)
{
    return source != RELAY_NO_SOURCE && core->sources[source].diverges != 0 && core->sources[source].diverges <= height;
}

void core_witness_down(struct relay_core *core, uint16_t source)
{
    core->sources[source].diverges = core->sources[source].diverges_since = 0;
}

static void diverge(struct relay_core *core, struct core_light *light, uint16_t source, uint64_t height,
                    const uint8_t hash[32])
{
    char digits[65];
    if (core->sources[source].diverges != 0)
        return;
    codec_hex_encode(digits, (struct bytes){hash, 32});
    core->sources[source].diverges = height;
    core->sources[source].diverges_since = core->now;
    core->sources[source].contradictions++;
    core_note(
        core, RELAY_ALARM, RELAY_REASON_SOURCE_DIVERGES, NULL, 0,
        "%s: at height %llu source %s shows header %s, not the one proven here: abstaining until it is shown which "
        "is true",
        core->network->chains[light->chain].id, (unsigned long long)height, core->config.sources[source].name, digits);
    core_log_mark_home(core, light->chain);
}

/* It says what is trusted here. */
static void agree(struct relay_core *core, struct core_light *light, uint16_t index, struct core_light_state *state)
{
    struct core_source *source = &core->sources[index];
    uint64_t height = (uint64_t)state->state.height;
    state->said |= (uint16_t)(1u << core_chain_place(&core->chains[light->chain], index));
    if (height >= source->silent && core->now - state->since < HEAR_MS) /* and in time */
        source->silent = 0;
    if (source->diverges == 0 || height <= source->diverges)
        return;
    core_witness_down(core, index);
    core_log_mark_home(core, light->chain);
}

static void ask(struct relay_core *core, uint16_t source, uint64_t height)
{
    core_to_source(core, source,
                   &(struct connector_message){.type = CONNECTOR_ASK_HEADER, .ask_header = {.height = height}});
}

bool core_witness_unheard(struct relay_core *core, struct core_light *light, uint16_t source,
                          const struct relay_verify_job *job)
{
    uint64_t height = (uint64_t)job->light.trust.latest.height;
    const struct core_light_state *state = core_trust_at(light, height);
    size_t place = core_chain_place(&core->chains[light->chain], source);
    if (job->result.reason != PROOF_REASON_COMETBFT_NEXT_SET_HASH || state == NULL || (state->said >> place & 1) != 0)
        return false;
    ask(core, source, height);
    core_chain_blame(core, source, false, "another set than the trusted header before it announced");
    return true;
}

static void other_take(struct relay_core *core, struct core_light *light, uint16_t source, uint64_t height,
                       struct bytes bundle)
{
    struct core_evidence *evidence = core_evidence_new(core, source, bundle);
    light->other = (struct core_light_item){
        .evidence = evidence, .height = height, .bundle = {evidence->bytes, evidence->bytes_len}};
}

/* The oldest header trusted here that this one cannot stand beside: above it and not later, or below it and not earlier. NULL: none,
 * or what both would follow from is no longer remembered. */
static const struct core_light_state *beside(struct core_light *light, const struct cometbft_header *header)
{
    const struct core_light_state *found = NULL;
    for (size_t i = 0; i < CORE_LIGHT_STATES && light->states[i].state.height > 0; i++) {
        const struct proof_cometbft_state *state = &light->states[i].state;
        int order = cometbft_time_compare(state->time, header->time);
        if ((state->height > header->height && order <= 0) || (state->height < header->height && order >= 0))
            found = &light->states[i];
    }
    bool judged = found != NULL && found->bundle != NULL && core_trust_at(light, found->from) != NULL;
    return judged ? found : NULL;
}

static bool header_of(struct cometbft_header *out, struct bytes bundle)
{
    struct proof_cometbft_height height;
    return proof_cometbft_height_read(&height, bundle) && cometbft_header_read(out, height.block.header);
}

bool core_witness_beside(struct relay_core *core, struct core_light *light, uint16_t source, struct bytes bundle)
{
    struct cometbft_header header;
    if (!header_of(&header, bundle) || header.height <= 0 || core_trust_at(light, (uint64_t)header.height) != NULL ||
        beside(light, &header) == NULL)
        return false;
    if (light->other.evidence != NULL || core->now < core->sources[source].judge_at ||
        core_witness_contests(core, source, beside(light, &header)->from))
        return true; /* it comes again */
    core->sources[source].judge_at = core->now + JUDGE_MS;
    other_take(core, light, source, (uint64_t)header.height, bundle);
    return true;
}

bool core_witness_header(struct relay_core *core, struct core_light *light, uint16_t source, uint64_t height,
                         const uint8_t hash[32], struct bytes bundle)
{
    struct core_light_state *state = core_trust_at(light, height);
    if (state == NULL)
        return bundle.len > 0 && core_witness_beside(core, light, source, bundle);
    if (memcmp(state->state.hash, hash, 32) == 0) {
        agree(core, light, source, state);
        return false;
    }
    diverge(core, light, source, height, hash);
    struct core_source *told = &core->sources[source];
    bool busy = bundle.len > 0 && light->other.evidence != NULL;
    if (busy && told->diverges_since != 0)
        told->diverges_since = core->now; /* it has shown: once more, please */
    if ((bundle.len == 0 && told->diverges == height) || (busy && told->diverges_since != 0))
        ask(core, source, height);
    bool judged = told->diverges_since == 0 && core->now < told->judge_at;
    if (bundle.len == 0 || busy || judged || core_witness_contests(core, source, state->from))
        return true;
    told->diverges_since = 0;
    told->judge_at = core->now + JUDGE_MS;
    other_take(core, light, source, height, bundle);
    return true;
}

/* A header became trusted: what sources said of its height before is looked at again; those who differ show theirs, and those who
 * did not speak of it are asked. */
void core_witness_trusted(struct relay_core *core, struct core_light *light, uint64_t height, uint16_t teller)
{
    const struct core_chain *chain = &core->chains[light->chain];
    const struct core_statement *said = core_agree_said(core, light->chain, height);
    struct core_light_state *state = core_trust_at(light, height);
    if (state != NULL) {
        state->since = core->now;
        state->again = core->now + ASK_MS;
        state->asked = 1;
    }
    for (size_t i = 0; state != NULL && i < chain->sources_len; i++) {
        uint16_t source = chain->sources[i];
        if (source == teller)
            state->said |= (uint16_t)(1u << i);
        else if (core->sources[source].up && said != NULL && (said->said & (1u << i)) != 0)
            core_witness_header(core, light, source, height, said->hash[i], (struct bytes){NULL, 0});
        else if (core->sources[source].up)
            ask(core, source, height);
    }
}

static void silent(struct relay_core *core, const struct core_light *light, uint16_t source, uint64_t height)
{
    core->sources[source].silent = height;
    core_note(core, RELAY_INFO, RELAY_REASON_WITNESS_SILENT, NULL, 0,
              "%s: source %s has not said its header at height %llu in %d s: going on without its word until it says "
              "what is proven",
              core->network->chains[light->chain].id, core->config.sources[source].name, (unsigned long long)height,
              HEAR_MS / 1000);
}

/* It is up, or has not come yet after a start; a witness, and not the one that showed it; and has not said whether this header is
 * its own, too. */
static bool is_owing(const struct relay_core *core, const struct core_light *light,
                     const struct core_light_state *state, const struct core_light_item *fact, size_t place)
{
    uint16_t source = core->chains[light->chain].sources[place];
    bool here = core->sources[source].up || !core->sources[source].came;
    return source != fact->evidence->source && here && core->sources[source].silent == 0 &&
           (state->said & (1u << place)) == 0;
}

void core_witness_ask(struct relay_core *core, struct core_light *light, const struct core_light_item *fact)
{
    const struct core_chain *chain = &core->chains[light->chain];
    struct core_light_state *state = core_trust_at(light, fact->height);
    if (state == NULL || core->now < state->again)
        return;
    state->again = (core->now - state->again < ASK_MS ? state->again : core->now) + ASK_MS;
    state->asked++;
    for (size_t i = 0; i < chain->sources_len; i++) {
        if (core->sources[chain->sources[i]].up && is_owing(core, light, state, fact, i))
            ask(core, chain->sources[i], fact->height);
    }
}

bool core_witness_waits(struct relay_core *core, struct core_light *light, const struct core_light_item *fact)
{
    const struct core_chain *chain = &core->chains[light->chain];
    const struct core_light_state *state = core_trust_at(light, fact->height);
    bool waits = false, late = state != NULL && state->asked > HEAR_MS / ASK_MS;
    for (size_t i = 0; state != NULL && i < chain->sources_len; i++) {
        if (!is_owing(core, light, state, fact, i))
            continue;
        if (late)
            silent(core, light, chain->sources[i], fact->height);
        waits = waits || !late;
    }
    return waits;
}

/* Nothing is shown of the chain: the source may be wrong, or what is trusted here is. The bytes are its operator's to show. */
static void unproven(struct relay_core *core, struct core_light *light, const char *why)
{
    const struct core_evidence *evidence = light->other.evidence;
    core_note(core, RELAY_WARNING, RELAY_REASON_SOURCE_DIVERGES, NULL, 0,
              "%s: the other header of source %s at height %llu proves no attack (%s)",
              core->network->chains[light->chain].id, core->config.sources[evidence->source].name,
              (unsigned long long)light->other.height, why);
    core_evidence_refuse(core, evidence, evidence->source, "another-header-than-proven");
}

static void other_drop(struct core_light *light)
{
    core_evidence_release(light->other.evidence);
    light->other = (struct core_light_item){0};
}

bool core_witness_job(struct relay_core *core, struct core_light *light)
{
    if (light->other.evidence == NULL)
        return false;
    const struct core_light_state *ours = core_trust_at(light, light->other.height);
    struct cometbft_header header;
    if (ours == NULL && header_of(&header, light->other.bundle))
        ours = beside(light, &header);
    const struct core_light_state *common = ours != NULL ? core_trust_at(light, ours->from) : NULL;
    if (common == NULL || ours->bundle == NULL) {
        unproven(core, light, "what it would follow from is no longer remembered");
        other_drop(light);
        return false;
    }
    struct relay_verify_job *job = core_light_job(core, light, &light->other, RELAY_VERIFY_LIGHT_ATTACK);
    job->light.trust = (struct proof_cometbft_trust){.changes = 1, .latest = common->state};
    job->light.next = (struct bytes){common->next, common->next_len};
    job->light.bundle = (struct bytes){ours->bundle, ours->bundle_len};
    job->light.other = light->other.bundle;
    return true;
}

/* It is their header that does not hold, and not for what may be our clock or too old a trust, or it is the very one that they say
 * they contradict: a lie costs who tells it, nobody else. What could not be judged makes this relay abstain. */
static bool its_fault(const struct proof_result *result)
{
    if (result->reason == PROOF_REASON_COMETBFT_NO_CONFLICT)
        return true;
    return result->at >= RELAY_VERIFY_OTHER && result->reason != PROOF_REASON_COMETBFT_TOO_LITTLE_TRUST &&
           result->reason != PROOF_REASON_COMETBFT_EXPIRED && result->reason != PROOF_REASON_COMETBFT_FUTURE;
}

bool core_witness_disputes(const struct relay_core *core, uint16_t source, const struct connector_header *header)
{
    const struct core_chain *chain = &core->chains[core->config.sources[source].chain];
    const struct core_statement *said = core_agree_said(core, core->config.sources[source].chain, header->height);
    for (size_t i = 0; said != NULL && i < chain->sources_len; i++) {
        if ((said->said & (1u << i)) != 0 && core->sources[chain->sources[i]].up &&
            memcmp(said->hash[i], header->hash, 32) != 0)
            return true;
    }
    return false;
}

void core_witness_tick(struct relay_core *core, uint16_t chain)
{
    for (size_t i = 0; i < core->chains[chain].sources_len; i++) {
        uint16_t source = core->chains[chain].sources[i];
        struct core_source *state = &core->sources[source];
        if (!state->up || state->diverges_since == 0 || core->now - state->diverges_since < SHOW_MS)
            continue;
        state->diverges_since = core->now;
        core_ban(core, source, "says another hash at height %llu than the one proven, and shows no header of it",
                 (unsigned long long)state->diverges);
    }
}

void core_witness_verified(struct relay_core *core, struct core_light *light, const struct relay_verify_job *job)
{
    const struct core_evidence *evidence = light->other.evidence;
    if (job->verdict != PROOF_VALID) {
        unproven(core, light, proof_reason_text(job->result.reason));
        if (its_fault(&job->result) && evidence->source != RELAY_NO_SOURCE)
            core_ban(core, evidence->source, "showed another header at height %llu, and nobody signed it: %s",
                     (unsigned long long)light->other.height, proof_reason_text(job->result.reason));
        other_drop(light);
        return;
    }
    proof_cometbft_trust_freeze(&light->trust, &job->light.attack);
    core_trust_write(core, light);
    core_note(core, RELAY_ALARM, RELAY_REASON_CHAIN_ATTACKED, NULL, 0,
              "%s: %s at height %lld, shown by source %s: nothing of this chain is taken. Find out with others which "
              "header is true and give its height and hash under trust: in relay.yaml",
              core->network->chains[light->chain].id, proof_cometbft_attack_text(job->light.attack.attack),
              (long long)job->light.attack.height, core->config.sources[evidence->source].name);
    core_evidence_refuse(core, evidence, evidence->source, relay_reason_text(RELAY_REASON_CHAIN_ATTACKED));
    other_drop(light);
    core_log_mark_home(core, light->chain);
}
