/*
 * The signer judges evidence from a trust of its own (relay/edge/signer_light.c). It stands where its first header or its last
 * evidence left it; when that is too far from what it is to sign, it names a header in between, and sources are asked for it.
 */
#include <string.h>

#include "relay/core/parts.h"

enum {
    TEACH_MS = 60000, /* a signer that signs nothing must stay within its trusting period */
    OLD_MAX = 3       /* pieces of evidence of one source, one after another, that are too old for the signer */
};

bool core_teach_ready(const struct core_light *light)
{
    return light->signer_known && light->signer_height > 0 && light->signer_want.height == 0;
}

void core_teach_header(struct relay_core *core, struct core_light *light, struct bytes bundle)
{
    struct relay_signing_header header = {.id = ++core->next_id, .chain = light->chain, .bundle = bundle};
    size_t cap = bundle.len + 128;
    if (!core->signer_up || !light->signer_known || light->teaching != 0 || /* one at a time */
        !relay_signing_document(header.document, core->network->hash, core->config.sources, core->config.sources_len))
        return;
    uint8_t *message = core_scratch(core, cap);
    size_t len = relay_signing_header_write(message, cap, &header);
    if (len == 0)
        return;
    struct relay_action *action = core_act(core, RELAY_ACTION_SIGN);
    action->id = light->teaching = header.id;
    action->body = (struct bytes){message, len};
}

void core_teach_told(struct relay_core *core, const struct relay_signing_answer *answer)
{
    struct codec_reader reader;
    codec_reader_init(&reader, answer->body);
    uint64_t want = codec_read_u64(&reader);
    for (size_t i = 0; i < core->network->chains_len; i++) {
        struct core_light *light = core->lights[i];
        if (light == NULL || memcmp(core->network->chains[i].identity, answer->log, 32) != 0)
            continue;
        light->signer_known = true;
        if (answer->number > light->signer_height)
            light->old = 0;
        light->signer_height = answer->number;
        if (want == 0) {
            light->signer_want = (struct core_want){0};
        } else if (want != light->signer_want.height) {
            light->signer_want = (struct core_want){.height = want};
            core_want_ask(core, light, &light->signer_want);
        } /* else the header that it was given did not do: the next source is asked in its time */
        core_log_mark_home(core, light->chain);
    }
}

/* One that came after the last one that was too old, and is so, too: who goes on giving such is not followed for ever. */
static void old_note(struct relay_core *core, struct core_light *light, const struct core_evidence *evidence)
{
    if (evidence->source == RELAY_NO_SOURCE || (light->old > 0 && evidence->seen <= light->old_at))
        return;
    light->old_at = core->now;
    if (++light->old < OLD_MAX)
        return;
    light->old = 0;
    core_chain_blame(core, evidence->source, true, "goes on giving evidence that is too old for the signer");
}

void core_teach_refused(struct relay_core *core, uint64_t request)
{
    for (size_t i = 0; i < core->logs_len; i++) {
        struct core_log *log = &core->logs[i];
        struct core_light *light = log->is_home ? core->lights[log->home] : NULL;
        if (light == NULL || core->chains[log->home].signing_id != request || log->evidence == NULL ||
            log->evidence->fact.height >= light->signer_height)
            continue;
        old_note(core, light, log->evidence);
        core_ingest_again(core, log);
    }
}

void core_teach_answered(struct relay_core *core, uint64_t id)
{
    for (size_t i = 0; i < core->network->chains_len; i++) {
        if (core->lights[i] != NULL && core->lights[i]->teaching == id)
            core->lights[i]->teaching = 0;
    }
}

void core_teach_tick(struct relay_core *core, struct core_light *light)
{
    const struct core_light_state *newest = &light->states[0];
    if (!light->signer_known || light->signer_height == 0 || core->now < light->teach_at || newest->bundle == NULL)
        return;
    light->teach_at = core->now + TEACH_MS;
    if (light->signer_height < (uint64_t)newest->state.height && light->signer_want.height == 0)
        core_teach_header(core, light, (struct bytes){newest->bundle, newest->bundle_len});
}

void core_teach_lost(struct relay_core *core)
{
    for (size_t i = 0; i < core->network->chains_len; i++) {
        if (core->lights[i] == NULL)
            continue;
        core->lights[i]->signer_known = false;
        core->lights[i]->teaching = 0;
        core->lights[i]->signer_want = (struct core_want){0};
    }
}
