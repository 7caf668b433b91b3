/*
 * Headers that are asked for: the first one, one halfway to evidence that is too far, one for the signer. Of one source after the
 * other, for a while.
 */
#include "relay/core/parts.h"

enum {
    WANT_MS = 2000, /* for a source to answer; then the next one is asked */
    WANT_ROUNDS = 3 /* of all sources, then what it was wanted for is let go */
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
    const struct core_chain *chain = &core->chains[light->chain];
    for (size_t i = 0; want->height == height && i < chain->sources_len; i++) {
        uint32_t bit = UINT32_C(1) << i;
        if (chain->sources[i] != source || (want->open & bit) == 0)
            continue;
        want->open &= ~bit;
        return true;
    }
    return false;
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
