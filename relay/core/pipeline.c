/* The driver of a log's stages. */
#include "relay/core/parts.h"

static struct core_step (*const STAGES[])(struct relay_core *, struct core_log *) = {
#define X(name, function) function,
    CORE_STAGES(X)
#undef X
};

void core_pipeline_drive(struct relay_core *core, struct core_log *log)
{
    enum relay_cause cause = log->frozen ? RELAY_CAUSE_FROZEN : RELAY_CAUSE_NONE;
    enum topology_lane_state state = core_lane(core, log)->state;
    if (state == TOPOLOGY_LANE_PAUSED && log->kind == PROOF_LOG_MESSAGE) {
        cause = RELAY_CAUSE_PAUSED; /* no new message moves; what was delivered still settles */
        core_stage_settle(core, log);
    } else {
        for (size_t i = 0; i < sizeof(STAGES) / sizeof(STAGES[0]); i++) {
            struct core_step step = STAGES[i](core, log);
            if (cause == RELAY_CAUSE_NONE)
                cause = step.cause;
        }
    }
    uint64_t progress = log->proven + log->durable + log->attested + log->certified + log->settled + log->applied +
                        (log->position.known ? log->position.accepted + log->position.decided : 0);
    /* Others go on without us then, and bring what they certify: that is no end of our wait. */
    bool ours = cause == RELAY_CAUSE_TRUST || cause == RELAY_CAUSE_ATTACK;
    if (cause != log->cause || cause == RELAY_CAUSE_NONE || (progress != log->progress && !ours)) {
        log->cause = cause;
        log->since = core->now;
        log->progress = progress;
    }
}
