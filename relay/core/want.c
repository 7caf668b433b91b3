/*
 * Headers that are asked for: the first one, one halfway to evidence that is too far, one for the signer. Of one source after the
 * other, for a while.
 */
#include "proofs/codec/hex.h"
#include "relay/core/parts.h"

enum {
    FIRST_MS = 10000, /* between two rounds, when all show another first header */
    WANT_MS = 2000,   /* for a source to answer; then the next one is asked */
    WANT_ROUNDS = 3   /* of all sources, then what it was wanted for is let go */
};

bool core_want_ask(struct relay_core *core, struct core_light *light, struct core_want *want)
{
    const struct core_chain *chain = &core->chains[light->chain];
    want->again = core->now + WANT_MS;
    for (size_t i = 0; i < chain->sources_len; i++) {
        size_t turn = light->turn++ % chain->sources_len;
        uint16_t source = chain->sources[turn];
        if (!core->sources[source].up)
            continue;
        want->asked++;
        want->open |= UINT32_C(1) << turn;
        core_to_source(
            core, source,
            &(struct connector_message){.type = CONNECTOR_ASK_HEADER, .ask_header = {.height = want->height}});
        return true;
    }
    if (chain->sources_len > 0)
        return false;
    want->asked++;
    return core_far_ask(core, light, want);
}

bool core_want_answers(const struct relay_core *core, const struct core_light *light, struct core_want *want,
                       uint16_t source, uint64_t height)
{
    uint32_t bit = UINT32_C(1) << core_chain_place(&core->chains[light->chain], source);
    if (want->height != height || (want->open & bit) == 0)
        return false;
    want->open &= ~bit;
    return true;
}

/* Nobody has it: what it was wanted for is let go, and comes again with newer evidence. */
static void give_up(struct relay_core *core, struct core_light *light)
{
    core_note(core, RELAY_WARNING, RELAY_REASON_HEADER_MISSING, NULL, 0,
              "%s: no source gave a header of height %llu that leads on from %llu",
              core->network->chains[light->chain].id, (unsigned long long)light->want.height,
              (unsigned long long)light->trust.latest.height);
    light->want = (struct core_want){0};
    core_light_let_go(core, light);
}

void core_want_differs(struct relay_core *core, struct core_light *light, const struct core_light_item *item)
{
    const struct core_chain *chain = &core->chains[light->chain];
    struct proof_cometbft_height height;
    struct cometbft_header header;
    uint8_t hash[32];
    char wanted[65], shown[65];
    bool *differs = &core->sources[item->evidence->source].differs;
    bool round = *differs; /* all were asked since */
    *differs = true;
    bool others = false;
    for (size_t i = 0; i < chain->sources_len; i++)
        others = others || (core->sources[chain->sources[i]].up && !core->sources[chain->sources[i]].differs);
    if (others && !round)
        return;
    light->want.again = core->now + FIRST_MS;
    if (light->doubted || !proof_cometbft_height_read(&height, item->bundle) ||
        !cometbft_header_read(&header, height.block.header) || !proof_cometbft_header_hash(hash, &header))
        return;
    light->doubted = true;
    codec_hex_encode(wanted, BYTES_OF(light->first->hash));
    codec_hex_encode(shown, BYTES_OF(hash));
    core_note(core, RELAY_ALARM, RELAY_REASON_TRUST_DIFFERS, NULL, 0,
              "%s: trust: in relay.yaml gives %s for height %llu, and no source here shows that header; %s shows %s. "
              "Nothing is trusted: ask others which one is true, then correct trust:, or the sources",
              core->network->chains[light->chain].id, wanted, (unsigned long long)light->first->height,
              core->config.sources[item->evidence->source].name, shown);
}

void core_want_begun(struct relay_core *core, struct core_light *light)
{
    const struct core_chain *chain = &core->chains[light->chain];
    core_note(core, RELAY_INFO, RELAY_REASON_TRUST_BEGUN, NULL, 0, "%s: at height %llu, as its operator says",
              core->network->chains[light->chain].id, (unsigned long long)light->trust.latest.height);
    for (size_t i = 0; i < chain->sources_len; i++) {
        struct core_source *source = &core->sources[chain->sources[i]];
        if (source->up && source->differs)
            core_ban(core, chain->sources[i], "showed another header at height %llu than the one its operator gave",
                     (unsigned long long)light->first->height);
        source->differs = false;
    }
}

static void want_tick(struct relay_core *core, struct core_light *light)
{
    size_t sources = core->chains[light->chain].sources_len;
    size_t rounds = WANT_ROUNDS * (sources > 0 ? sources : 2);
    if (light->trust.latest.height == 0 && light->first != NULL && light->want.height == 0)
        light->want.height = light->first->height;
    if (light->want.height != 0 && light->step.evidence == NULL && core->now >= light->want.again) {
        if (light->trust.latest.height > 0 && light->want.asked >= rounds && !light->verifying)
            give_up(core, light);
        else
            core_want_ask(core, light, &light->want);
    }
    if (light->signer_want.height != 0 && core->now >= light->signer_want.again) {
        if (light->signer_height > 0 && light->signer_want.asked >= rounds)
            light->signer_want = (struct core_want){0};
        else
            core_want_ask(core, light, &light->signer_want);
    }
}

/* Our clock was wrong, and is right again. */
static void light_renew(struct relay_core *core, struct core_light *light)
{
    if (light->expired)
        core_log_mark_home(core, light->chain);
    light->expired = false;
}

void core_light_tick(struct relay_core *core, uint16_t chain)
{
    struct core_light *light = core->lights[chain];
    if (light == NULL || light->trust.attack != PROOF_COMETBFT_NO_ATTACK)
        return;
    uint64_t period = core->network->chains[chain].light.trusting_period;
    if (light->trust.latest.height > 0 &&
        light->trust.latest.time.seconds + (int64_t)period <= (int64_t)core->unix_time)
        core_light_expire(core, light);
    else
        light_renew(core, light);
    bool heard = core->chains[chain].sources_len == 0 || core_chain_up(core, chain) > 0;
    if (heard && !light->expired)
        want_tick(core, light);
    core_witness_tick(core, chain);
    core_teach_tick(core, light);
    core_far_tick(core, light);
    core_light_drive(core, light);
}
