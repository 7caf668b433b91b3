/*
 * Before this relay asks its signer for a log for the first time since its start, it hears what others have of it (DESIGN
 * section 5): store and guard may both be of an old copy, and only peers can show what was signed since. Heads under our
 * own key come back that way (core_attest_own), and certified ones, below which nothing is signed until our own proof
 * leads there or contradicts (core_evidence_apply).
 *
 * While nobody answers a signature would reach nobody and make no quorum, so waiting costs nothing; but where one operator
 * is a quorum. There, after a silence, with a note, what is known here must do. A relay without neighbours asks nobody.
 * Single peers that answer late or not at all cannot hold a relay of thousands of logs up: others are asked before them.
 */
#include "relay/core/parts.h"

enum {
    HEAR_PEERS = 2, /* that must have answered, where so many are up */
    HEAR_SILENCE_MS = 10000,
    HEAR_PAUSE_MS = 200,
    HEAR_SLOW_MS = 1000 /* an answer that takes longer, or does not come, makes others come first for a while */
};

static void heard(struct relay_core *core, struct core_log *log)
{
    log->hear.done = true;
    log->hear.floor = log->certified;
    core_log_mark(core, log);
}

/* The next neighbour of this round, up to place `until`, that is up. One that keeps others waiting is passed at first. */
static uint16_t peer_next(const struct relay_core *core, struct core_log *log, size_t until)
{
    size_t count = core->network->relays_len;
    while (log->hear.round < until) {
        bool first = log->hear.round < count;
        const struct core_peer *peer = &core->peers[(core->config.self + ++log->hear.round) % count];
        if (peer->neighbour && peer->up && !(first && core->now < peer->slow_until))
            return (uint16_t)(peer - core->peers);
    }
    return RELAY_NO_SOURCE;
}

static bool has_neighbour(const struct relay_core *core)
{
    for (size_t i = 0; i < core->network->relays_len; i++) {
        if (core->peers[i].neighbour)
            return true;
    }
    return false;
}

/* Nobody answers anything, and this signature alone is a certificate: what is known here must do. */
static bool silence(struct relay_core *core, struct core_log *log)
{
    const struct topology_epoch *epoch = core_epoch(core, log);
    if (epoch == NULL || epoch->quorum > 1 || core->now - core->heard_at < HEAR_SILENCE_MS)
        return false;
    core_note(core, RELAY_WARNING, RELAY_REASON_SIGNER_UNHEARD, log, log->attested,
              "no peer said which heads it has of this lane's %s log: signing on from what is known here",
              proof_log_kind_name((enum proof_log_kind)log->kind));
    return true;
}

static struct core_hearing *hearing_find(struct relay_core *core, uint64_t id)
{
    for (size_t i = 0; i < CORE_HEARS_AT_ONCE; i++) {
        if (core->hearing[i].id == id)
            return &core->hearing[i];
    }
    return NULL;
}

bool core_hear(struct relay_core *core, struct core_log *log)
{
    size_t count = core->network->relays_len;
    if (log->hear.done || log->hear.asked)
        return log->hear.done;
    if (log->hear.answers >= HEAR_PEERS || !has_neighbour(core)) {
        heard(core, log);
        return true;
    }
    struct core_hearing *hearing = hearing_find(core, 0);
    if (hearing == NULL || core->now < log->hear.again)
        return false;
    uint16_t peer = peer_next(core, log, count);
    if (peer == RELAY_NO_SOURCE && (log->hear.answers > 0 || silence(core, log))) {
        heard(core, log);
        return true;
    }
    if (peer == RELAY_NO_SOURCE)
        peer = peer_next(core, log, 2 * count);
    if (peer == RELAY_NO_SOURCE) {
        log->hear.round = 0;
        log->hear.again = core->now + HEAR_PAUSE_MS;
        return false;
    }
    uint64_t id = core_ask(core, log, peer, log->attested + 1, UINT64_MAX, 0);
    *hearing = (struct core_hearing){id, core->now, (uint16_t)(log - core->logs), peer};
    log->hear.asked = true;
    return false;
}

/* The next log that waits for a place takes it at once: many are heard in less than a tick each. */
static void next_mark(struct relay_core *core)
{
    for (size_t i = 0; i < core->logs_len; i++) {
        struct core_log *log = &core->logs[core->hear_next++ % core->logs_len];
        if (log->is_home && !log->hear.done && !log->hear.asked && core->now >= log->hear.again) {
            core_log_mark(core, log);
            return;
        }
    }
}

bool core_hear_answered(struct relay_core *core, uint64_t ask, bool answered)
{
    struct core_hearing *hearing = ask != 0 ? hearing_find(core, ask) : NULL;
    if (hearing == NULL)
        return false;
    struct core_log *log = &core->logs[hearing->log];
    if (!answered || core->now - hearing->since > HEAR_SLOW_MS)
        core->peers[hearing->peer].slow_until = core->now + HEAR_SILENCE_MS;
    *hearing = (struct core_hearing){0};
    log->hear.asked = false;
    if (answered) {
        log->hear.answers++;
        core->heard_at = core->now;
    }
    core_log_mark(core, log);
    next_mark(core);
    return true;
}

void core_hear_tick(struct relay_core *core)
{
    if (!core->config.attests || hearing_find(core, 0) == NULL)
        return;
    for (size_t i = 0; i < core->logs_len; i++) {
        if (core->logs[i].is_home && !core->logs[i].hear.done)
            core_log_mark(core, &core->logs[i]);
    }
}
