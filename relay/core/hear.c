/*
 * Before this relay asks its signer for a log for the first time since its start, it hears what others have of it (DESIGN
 * section 5): store and guard may both be of an old copy, and only peers can show what was signed since. Heads under our
 * own key come back that way (core_attest_own), and certified ones, below which nothing is signed until our own proof
 * leads there or contradicts (core_evidence_apply).
 *
 * While nobody answers a signature would reach nobody and make no quorum, so waiting costs nothing; but where one operator
 * is a quorum. There, after a silence, with a note, what is known here must do. A relay without neighbours asks nobody.
 */
#include "relay/core/parts.h"

enum {
    HEAR_PEERS = 2, /* that must have answered, where so many are up */
    HEAR_SILENCE_MS = 10000,
    HEAR_PAUSE_MS = 200,
    HEARS_AT_ONCE = 16
};

static void heard(struct relay_core *core, struct core_log *log)
{
    log->hear.done = true;
    log->hear.floor = log->certified;
    core_log_mark(core, log);
}

/* The next neighbour of this round that is up. */
static uint16_t peer_next(const struct relay_core *core, struct core_log *log)
{
    size_t count = core->network->relays_len;
    while (log->hear.round < count) {
        uint16_t relay = (uint16_t)((core->config.self + ++log->hear.round) % count);
        if (core->peers[relay].neighbour && core->peers[relay].up)
            return relay;
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
              "no peer said which heads it has of this log: signing on from what is known here");
    return true;
}

bool core_hear(struct relay_core *core, struct core_log *log)
{
    if (log->hear.done || log->hear.id != 0)
        return log->hear.done;
    if (log->hear.answers >= HEAR_PEERS || !has_neighbour(core)) {
        heard(core, log);
        return true;
    }
    if (core->hears >= HEARS_AT_ONCE || core->now < log->hear.again)
        return false;
    uint16_t peer = peer_next(core, log);
    if (peer != RELAY_NO_SOURCE) {
        log->hear.id = core_ask(core, log, peer, log->attested + 1, UINT64_MAX, 0);
        core->hears++;
        return false;
    }
    if (log->hear.answers > 0 || silence(core, log)) {
        heard(core, log);
        return true;
    }
    log->hear.round = 0;
    log->hear.again = core->now + HEAR_PAUSE_MS;
    return false;
}

void core_hear_answered(struct relay_core *core, uint64_t ask, bool answered)
{
    for (size_t i = 0; ask != 0 && i < core->logs_len; i++) {
        struct core_log *log = &core->logs[i];
        if (log->hear.id != ask)
            continue;
        log->hear.id = 0;
        core->hears--;
        if (answered) {
            log->hear.answers++;
            core->heard_at = core->now;
        }
        core_log_mark(core, log);
    }
}

void core_hear_tick(struct relay_core *core)
{
    for (size_t i = 0; core->config.attests && i < core->logs_len; i++) {
        if (core->logs[i].is_home && !core->logs[i].hear.done)
            core_log_mark(core, &core->logs[i]);
    }
}
