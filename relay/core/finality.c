/*
 * What was final stays: the newest agreed header of each chain is remembered. When as many sources as the chain demands show
 * another one in its place, or say that finality was broken, nothing of that chain is taken until a person has looked into
 * it (isthmusd -x thaw) and the lanes that lost messages are closed.
 */
#include <string.h>

#include "relay/core/parts.h"

static void row_write(struct relay_core *core, uint16_t index)
{
    struct core_chain *chain = &core->chains[index];
    uint8_t value[KEYS_SMALL_VALUE_MAX];
    struct codec_writer writer;
    codec_writer_init(&writer, value, sizeof(value));
    keys_chain_write(&writer, &chain->mark);
    core_put(core, STORE_CHAIN, BYTES_OF(core->network->chains[index].identity), codec_writer_bytes(&writer));
}

static void freeze(struct relay_core *core, uint16_t index, uint64_t height, const char *what)
{
    struct core_chain *chain = &core->chains[index];
    if (chain->mark.frozen)
        return;
    chain->mark.frozen = 1;
    row_write(core, index);
    core_note(core, RELAY_ALARM, RELAY_REASON_CHAIN_REORGANISED, NULL, 0,
              "%s: %s at height %llu: nothing of this chain is taken until a person decides (isthmusd -x thaw)",
              core->network->chains[index].id, what, (unsigned long long)height);
    core_log_mark_home(core, index);
}

bool core_finality_advance(struct relay_core *core, uint16_t index, const struct proof_eth_evidence_fact *fact)
{
    struct core_chain *chain = &core->chains[index];
    struct keys_chain *mark = &chain->mark;
    if (chain->mark_known && fact->height == mark->height && memcmp(fact->header_hash, mark->hash, 32) != 0) {
        freeze(core, index, fact->height, "two agreed headers");
        return false;
    }
    if (chain->mark_known && fact->height <= mark->height)
        return true;
    mark->height = fact->height;
    mark->time = fact->time;
    memcpy(mark->hash, fact->header_hash, 32);
    chain->mark_known = true;
    row_write(core, index);
    return true;
}

void core_finality_broken(struct relay_core *core, uint16_t source)
{
    uint16_t index = core->config.sources[source].chain;
    const struct core_chain *chain = &core->chains[index];
    size_t broken = 0;
    core->sources[source].broken = true;
    for (size_t i = 0; i < chain->sources_len; i++)
        broken += core->sources[chain->sources[i]].up && core->sources[chain->sources[i]].broken;
    if (broken >= core->network->chains[index].sources)
        freeze(core, index, chain->mark.height, "its sources say that what was final is gone; newest agreed header");
}

void core_finality_ask(struct relay_core *core, uint16_t index)
{
    const struct core_chain *chain = &core->chains[index];
    const struct core_statement *said = &chain->before.said;
    for (size_t i = 0; said->height > 0 && !chain->mark.frozen && i < chain->sources_len; i++) {
        if ((said->said & (1u << i)) == 0 && core->sources[chain->sources[i]].up)
            core_to_source(
                core, chain->sources[i],
                &(struct connector_message){.type = CONNECTOR_ASK_HEADER, .ask_header = {.height = said->height}});
    }
}

void core_finality_said(struct relay_core *core, uint16_t source, uint64_t height, const uint8_t hash[32])
{
    uint16_t index = core->config.sources[source].chain;
    struct core_chain *chain = &core->chains[index];
    struct core_statement *said = &chain->before.said;
    struct proof_agreement_fact fact;
    struct proof_result result;
    if (said->height == 0 || said->height != height)
        return;
    for (size_t i = 0; i < chain->sources_len; i++) {
        if (chain->sources[i] != source)
            continue;
        said->said |= (uint16_t)(1u << i);
        memcpy(said->hash[i], hash, 32);
    }
    if (core_agree_over(core, index, height, said, &fact, &result) != PROOF_VALID)
        return;
    if (memcmp(fact.header_hash, chain->before.hash, 32) != 0)
        freeze(core, index, height, "its sources show another header than they agreed on before");
    *said = (struct core_statement){0};
}
