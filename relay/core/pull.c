/*
 * Asking peers for what lacks here (DESIGN section 5). Two needs, which do not wait for each other:
 *
 * - what a valid signature shows to exist: the records under a signed head, signatures below it, heads at multiples of C;
 * - what peers name in heartbeats, and where it is not what we have. That is their word alone, so each peer is asked only for
 *   what it named itself, and one whose word brings nothing is asked ever more rarely: it costs itself, nobody else.
 */
#include <string.h>

#include "relay/core/parts.h"

enum {
    ASK_BYTES = 1 << 20,
    HISTORY_BYTES =
        (RELAY_HISTORY_MIN + 1) * PROOF_OUTCOME_RECORD_BYTES, /* pruned outcomes are of use as a whole only */
    ASK_PAUSE_MS = 200,
    ASK_DOUBLINGS = 5,   /* of the pause, after asks that brought nothing */
    STEPS_AT_ONCE = 15,  /* beyond the first that lacks: after a change of keys all of them may */
    NAMED_SLOW_MS = 1000 /* an answer that takes longer no longer keeps another peer from being asked */
};

enum need { NEED_RECORDS, NEED_SIGNATURES, NEED_STEP, NEED_COUNT };

struct want {
    uint64_t from, to;
    size_t bytes; /* 0: heads only */
};

static uint64_t newest_signed(const struct core_log *log)
{
    return log->heads_len ? log->heads[log->heads_len - 1].number : 0;
}

static bool has_records(const struct core_log *log)
{
    return !log->is_home && log->kind != PROOF_LOG_SETTLEMENT;
}

static size_t bytes_wanted(const struct relay_core *core, const struct core_log *log)
{
    size_t room = core_log_room(core, log), most = log->kind == PROOF_LOG_OUTCOME ? HISTORY_BYTES : ASK_BYTES;
    if (core_log_history(core, log))
        return HISTORY_BYTES;
    return room > most ? most : room;
}

uint64_t core_ask(struct relay_core *core, const struct core_log *log, uint16_t peer, uint64_t from, uint64_t to,
                  size_t bytes)
{
    struct proof_item item = {.type = PROOF_ITEM_ASK, .ask = {.from = from, .to = to, .max_bytes = (uint32_t)bytes}};
    memcpy(item.ask.log, log->id, 32);
    codec_pack_clear(&core->pack);
    codec_pack_array(&core->pack, 1);
    proof_item_write(&core->pack, &item);
    struct relay_action *action = core_act(core, RELAY_ACTION_ASK);
    action->id =
        ++core->next_id * core->logs_len + (size_t)(log - core->logs); /* core_pull_answered finds it by that */
    action->peer = peer;
    action->body = core_keep(core, codec_pack_bytes(&core->pack));
    return action->id;
}

static uint64_t pause_after(unsigned fruitless)
{
    return (uint64_t)ASK_PAUSE_MS << (fruitless < ASK_DOUBLINGS ? fruitless : ASK_DOUBLINGS);
}

/* ---- what signatures show -------------------------------------------------------------------------------------------- */

/*
 * A head at a multiple of C that an inbox may have to step on, or the certified one, whose signatures did not all come here.
 * Only what was told before the newest head became certified can be lacking, or what operators signed anew when their keys
 * changed, while our document did not know these yet: nobody tells it again, so it is asked for.
 */
static uint64_t step_lacking(const struct relay_core *core, const struct core_log *log)
{
    uint64_t number = (log->settled / TOPOLOGY_HEAD_STEP + 1) * TOPOLOGY_HEAD_STEP;
    bool newest = log->certified <= log->settled;
    for (size_t i = 0; i < log->heads_len && log->kind != PROOF_LOG_SETTLEMENT; i++) {
        const struct core_head *head = &log->heads[i];
        bool lasts = (head->number == number || head->number == log->certified) && core_gather_lasts(core, log, head);
        if (lasts && head->number == number)
            number += TOPOLOGY_HEAD_STEP;
        newest = newest || (lasts && head->number == log->certified);
    }
    if (log->kind == PROOF_LOG_SETTLEMENT || (number >= log->certified && newest))
        return 0;
    return number < log->certified ? number : log->certified;
}

/* step: what step_lacking says. */
static bool needs(struct want *out, const struct relay_core *core, const struct core_log *log, enum need need,
                  uint64_t step)
{
    uint64_t newest = newest_signed(log);
    switch (need) {
    case NEED_RECORDS:
        *out = (struct want){log->stored + 1, newest, bytes_wanted(core, log)};
        /* Claims that one operator made up may fill the window: the next record alone tells, nothing else makes room. */
        if (out->bytes == 0 && core_log_doubtful(log))
            *out = (struct want){log->stored + 1, log->stored + 1, 1};
        return has_records(log) && log->stored < newest && out->bytes > 0;
    case NEED_SIGNATURES: *out = (struct want){log->certified + 1, newest, 0}; return log->certified < newest;
    case NEED_STEP:
        newest = step + STEPS_AT_ONCE * TOPOLOGY_HEAD_STEP;
        *out = (struct want){step, newest < log->certified ? newest : log->certified, 0};
        return step != 0;
    case NEED_COUNT: break;
    }
    return false;
}

/*
 * First the neighbour that says it has `number`; when that brought nothing, one after the other, whatever they say. `first`:
 * 0 begins with the one asked last, 1 with the next.
 */
static uint16_t peer_choose(const struct relay_core *core, const struct core_log *log, uint64_t number, size_t first)
{
    size_t count = core->network->relays_len, at = (size_t)(log - core->logs);
    uint16_t any = RELAY_NO_SOURCE;
    for (size_t i = first; i < first + count; i++) {
        uint16_t relay = (uint16_t)((log->pull.peer + i) % count);
        const struct core_peer *peer = &core->peers[relay];
        if (!peer->neighbour || !peer->up)
            continue;
        if (log->pull.fruitless > 1 || peer->named[at].number >= number)
            return relay;
        if (any == RELAY_NO_SOURCE)
            any = relay;
    }
    return any;
}

/* Asks that bring nothing become rare: a head that nobody has records for must not cost a pull each moment. */
static void signed_pull(struct relay_core *core, struct core_log *log)
{
    struct core_pull *pull = &log->pull;
    struct want want;
    bool wanted = false, next_peer = false;
    if (pull->id != 0 || core->now < pull->again)
        return;
    uint64_t step = step_lacking(core, log), progress = log->stored + log->certified + step;
    bool waited = pull->since != 0 && core->now - pull->since >= core->config.pull_wait_ms;
    for (unsigned i = 0; i < NEED_COUNT && !wanted; i++) {
        enum need need = (enum need)((pull->turn + i) % NEED_COUNT);
        wanted = (waited || need == NEED_STEP) && needs(&want, core, log, need, step);
        if (!wanted)
            continue;
        /* A peer is asked for all that lacks before the next one is: did both move on at each ask, two needs and an even
         * number of neighbours would be in step, and half of these never be asked for records. */
        next_peer = need < pull->turn;
        pull->turn = need + 1; /* a need that cannot be met keeps no other one waiting */
    }
    if (pull->progress != progress)
        pull->fruitless = 0;
    uint16_t peer = wanted ? peer_choose(core, log, want.from, next_peer) : RELAY_NO_SOURCE;
    if (peer == RELAY_NO_SOURCE)
        return;
    pull->id = core_ask(core, log, peer, want.from, want.to, want.bytes);
    pull->records = want.bytes > 0;
    pull->peer = peer;
    pull->progress = progress;
    pull->again = core->now + pause_after(pull->fruitless++);
}

/* ---- what peers name ------------------------------------------------------------------------------------------------- */

static bool named_wanted(struct want *out, const struct relay_core *core, const struct core_log *log,
                         const struct core_named *named)
{
    if (named->differs == 0 && named->number <= log->certified)
        return false;
    bool records = has_records(log) && log->stored >= newest_signed(log) && log->stored < named->number;
    if (named->differs != 0)
        *out = (struct want){named->differs, named->differs, 0};
    else /* records under heads that are here already are the other need's */
        *out = (struct want){(records ? log->stored : log->certified) + 1, named->number,
                             records ? bytes_wanted(core, log) : 0};
    return true;
}

static void named_pull(struct relay_core *core, struct core_log *log)
{
    size_t count = core->network->relays_len, at = (size_t)(log - core->logs);
    uint16_t relay = log->named.peer;
    struct want want;
    bool any = false;
    for (size_t i = 0; i < count; i++) {
        relay = (uint16_t)(relay + 1u < count ? relay + 1u : 0);
        const struct core_peer *peer = &core->peers[relay];
        if (!peer->neighbour || !peer->up || !named_wanted(&want, core, log, &peer->named[at]))
            continue;
        any = true;
        if (log->named.since == 0)
            log->named.since = core->now;
        if (core->now < log->named.again || core->now < peer->named[at].again ||
            core->now - log->named.since < core->config.pull_wait_ms)
            continue;
        log->named.id = core_ask(core, log, relay, want.from, want.to, want.bytes);
        log->named.peer = relay;
        log->named.progress = log->stored + log->certified;
        log->named.again = core->now + NAMED_SLOW_MS;
        peer->named[at].again = core->now + pause_after(peer->named[at].fruitless++);
        peer->named[at].differs = 0;
        break;
    }
    if (!any)
        log->named.since = 0;
}

/* ---- both ------------------------------------------------------------------------------------------------------------ */

void core_pull_named(struct relay_core *core, struct core_log *log, uint16_t peer, const struct proof_item_log *entry)
{
    struct core_named *named = &core->peers[peer].named[log - core->logs];
    const uint8_t *ours = core_head_running(core, log, entry->head.number);
    named->number = entry->head.number;
    bool differs = ours != NULL && entry->head.number > 0 && memcmp(ours, entry->head.running, 32) != 0;
    named->differs = differs ? entry->head.number : 0;
    core_log_mark(core, log);
}

void core_pull_go_on(const struct relay_core *core, struct core_log *log)
{
    log->pull.fruitless = 0;
    log->pull.again = core->now;
}

/* What nobody here had while it was away, it may have: it is asked first and at once, however rare asks had become. */
void core_pull_back(struct relay_core *core, uint16_t peer)
{
    size_t count = core->network->relays_len;
    for (size_t i = 0; i < core->logs_len; i++) {
        struct core_log *log = &core->logs[i];
        core->peers[peer].named[i].again = core->now;
        if (log->pull.fruitless == 0)
            continue;
        core_pull_go_on(core, log);
        log->pull.peer = (uint16_t)((peer + count - 1) % count);
        core_log_mark(core, log);
    }
}

void core_pull_answered(struct relay_core *core, uint16_t peer, uint64_t ask)
{
    if (ask == 0 || core->logs_len == 0)
        return;
    struct core_log *log = &core->logs[ask % core->logs_len];
    if (log->pull.id == ask) {
        log->pull.id = 0;
    } else if (log->named.id == ask) {
        struct core_named *named = &core->peers[peer].named[log - core->logs];
        if (log->named.progress != log->stored + log->certified) {
            named->fruitless = 0;
            named->again = core->now;
        }
        log->named.id = 0;
        log->named.again = core->now;
    }
    core_log_mark(core, log);
}

bool core_pull_waits(const struct core_log *log)
{
    return log->pull.since != 0 || log->named.since != 0;
}

enum relay_cause core_pull(struct relay_core *core, struct core_log *log)
{
    uint64_t newest = newest_signed(log);
    bool records = has_records(log) && log->stored < newest;
    if (log->frozen)
        return RELAY_CAUSE_NONE;
    if (core_log_cut_mends(core, log))
        return RELAY_CAUSE_RECORDS; /* they could not be taken now */
    if (!records && newest <= log->certified)
        log->pull.since = 0;
    else if (log->pull.since == 0)
        log->pull.since = core->now;
    signed_pull(core, log);
    named_pull(core, log);
    if (records && core_log_room(core, log) == 0)
        return core->scarce ? RELAY_CAUSE_DISK : RELAY_CAUSE_WINDOW_FULL;
    return records ? RELAY_CAUSE_RECORDS : RELAY_CAUSE_NONE;
}
