/* The judge: signing, marks, contracts, and what leaves a relay. */
#include "tests/sim/judge.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "relay/core/parts.h"

enum { NEXT_KEY = 32 }; /* the bits of those who signed with their next key */
static const uint64_t LOW = UINT32_MAX;

void judge_wrong(struct judge *judge, const char *format, ...)
{
    va_list arguments;
    if (judge->wrong[0] != '\0')
        return;
    va_start(arguments, format);
    int len = snprintf(judge->wrong, sizeof(judge->wrong), "at %llu ms: ", (unsigned long long)judge->world->now);
    vsnprintf(judge->wrong + len, sizeof(judge->wrong) - (size_t)len, format, arguments);
    va_end(arguments);
}

static uint64_t folded(uint64_t a, uint64_t b)
{
    unsigned __int128 product = (unsigned __int128)a * b;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

/* Two lanes of sixteen bytes a step: all that relays say goes through here. */
static void trace(struct judge *judge, const void *data, size_t len)
{
    const uint8_t *bytes = data;
    uint64_t one = judge->trace ^ len, other = one ^ UINT64_C(0x9e3779b97f4a7c15), words[4];
    for (; len >= 32; bytes += 32, len -= 32) {
        memcpy(words, bytes, 32);
        one = folded(one ^ words[0], words[1] ^ UINT64_C(0x9fb21c651e98df25));
        other = folded(other ^ words[2], words[3] ^ UINT64_C(0x9fb21c651e98df25));
    }
    memset(words, 0, sizeof(words));
    if (len > 0)
        memcpy(words, bytes, len);
    one = folded(one ^ words[0], words[1] ^ UINT64_C(0x9fb21c651e98df25));
    other = folded(other ^ words[2], words[3] ^ UINT64_C(0x9fb21c651e98df25));
    judge->trace = folded(one, other) ^ one;
}

/* ---- the truth ------------------------------------------------------------------------------------------------------ */

static const struct model_log *log_of(const struct judge *judge, uint16_t watch)
{
    return model_log_of(&judge->world->model, watch / 3, watch % 3 == 0 ? PROOF_LOG_MESSAGE : PROOF_LOG_OUTCOME);
}

/* True when the head lies in what the chain forgot, where that was final. */
static bool is_forgotten(const struct judge *judge, uint16_t watch, uint64_t number, const uint8_t running[32])
{
    const struct model_lane *lane = &judge->world->model.lanes[watch / 3];
    return watch % 3 + 1 == PROOF_LOG_MESSAGE && number > lane->kept && number <= lane->final &&
           memcmp(lane->forgotten.entries[number - 1].running, running, 32) == 0;
}

/* True when the head is what the log's home chain holds, finally. */
static bool is_held(const struct judge *judge, uint16_t watch, uint64_t number, const uint8_t running[32])
{
    const struct model *model = &judge->world->model;
    const struct model_log *log = log_of(judge, watch);
    uint16_t home = topology_log_home(&judge->world->lanes[watch / 3], (uint8_t)(watch % 3 + 1));
    uint64_t final = model->height[home] - MODEL_FINALITY;
    if (number == 0 || number > log->count || memcmp(log->entries[number - 1].running, running, 32) != 0)
        return false;
    if (watch % 3 + 1 != PROOF_LOG_SETTLEMENT)
        return log->entries[number - 1].height <= final;
    const struct model_lane *lane = &model->lanes[watch / 3];
    for (size_t i = lane->taken_len; i-- > 0;) {
        if (lane->taken[i].height <= final)
            return number <= lane->taken[i].number;
    }
    return false;
}

/* … or held: what was final once stays so for whoever saw it. */
static bool is_final(const struct judge *judge, uint16_t watch, uint64_t number, const uint8_t running[32])
{
    return is_held(judge, watch, number, running) || is_forgotten(judge, watch, number, running);
}

/* Enough operators signed this head with keys of the first epoch, or of the one after it. */
static bool is_certified(const struct judge *judge, uint16_t watch, uint64_t number, bool next)
{
    const struct judge_watch *state = &judge->watches[watch];
    const struct world *world = judge->world;
    uint16_t target = topology_log_target(&world->lanes[watch / 3], (uint8_t)(watch % 3 + 1));
    uint64_t changed = next && target == world->next.chain ? world->next.operators : 0;
    uint64_t keys = (LOW & ~changed) | changed << NEXT_KEY;
    return number < state->signers_cap && __builtin_popcountll(state->signers[number] & keys) >= world->shape.quorum;
}

static bool is_certified_once(const struct judge *judge, uint16_t watch, uint64_t number)
{
    return is_certified(judge, watch, number, false) || is_certified(judge, watch, number, true);
}

static const char *log_name(uint16_t watch)
{
    static const char *const NAMES[] = {"messages", "outcomes", "settlement"};
    return NAMES[watch % 3];
}

static void head_wrong(struct judge *judge, uint16_t relay, uint16_t watch, uint64_t number, const char *what)
{
    judge_wrong(judge, "relay %u: %s of lane %u, number %llu: %s", relay, log_name(watch), watch / 3,
                (unsigned long long)number, what);
}

/* ---- signers -------------------------------------------------------------------------------------------------------- */

static void signed_head(void *context, uint16_t relay, const struct proof_head *head)
{
    struct judge *judge = context;
    uint8_t kind = 0;
    int lane = topology_lane_by_log(&judge->world->network, head->log, &kind);
    uint16_t watch = (uint16_t)(lane * 3 + kind - 1);
    struct judge_relay *state = &judge->relays[relay];
    struct judge_watch *log = &judge->watches[watch];
    judge->checks++;
    bool final = is_final(judge, watch, head->number, head->running);
    if (!final && judge->world->relays[relay].fooled) {
        if (head->number >= state->apart[watch].number)
            state->apart[watch] = *head;
        return;
    }
    if (final && state->apart[watch].number > 0 && head->number >= state->apart[watch].number)
        head_wrong(judge, relay, watch, head->number, "its operator signed two words, on two branches");
    if (!final) {
        head_wrong(judge, relay, watch, head->number,
                   "its operator signed what the chain does not hold, or not finally");
        return;
    }
    if (head->number == state->last_signed[watch] && memcmp(head->running, state->last_running[watch], 32) != 0)
        head_wrong(judge, relay, watch, head->number, "its operator signed two words");
    uint64_t kept = judge->world->model.lanes[watch / 3].kept;
    if (watch % 3 + 1 == PROOF_LOG_MESSAGE && state->last_signed[watch] > kept && head->number > kept &&
        is_forgotten(judge, watch, head->number, head->running) !=
            is_forgotten(judge, watch, state->last_signed[watch], state->last_running[watch]))
        head_wrong(judge, relay, watch, head->number, "its operator signed two histories");
    if (head->number > state->last_signed[watch]) {
        state->last_signed[watch] = head->number;
        memcpy(state->last_running[watch], head->running, 32);
    }
    log->signers = model_grow(log->signers, &log->signers_cap, head->number + 1, sizeof(*log->signers));
    log->signers[head->number] |= UINT64_C(1) << (relay + (judge->world->relays[relay].rotated ? NEXT_KEY : 0));
    if (head->number > log->quorum && is_certified_once(judge, watch, head->number))
        log->quorum = head->number;
}

/* ---- contracts ------------------------------------------------------------------------------------------------------ */

static void executions_check(struct judge *judge, uint16_t index)
{
    const struct model_lane *lane = &judge->world->model.lanes[index];
    struct judge_lane *state = &judge->lanes[index];
    bool ordered = judge->world->lanes[index].mode & PROOF_MODE_ORDERED;
    if (state->executed > lane->order_len)
        state->executed = lane->order_len; /* a reorganisation took some back */
    for (; state->executed < lane->order_len; state->executed++) {
        uint64_t n = lane->order[state->executed];
        judge->checks++;
        if (lane->executed[n] != 1)
            judge_wrong(judge, "message %u/%llu took effect %u times", index, (unsigned long long)n, lane->executed[n]);
        if (lane->closed_inbox && state->executed >= lane->closed_order && n > lane->last)
            judge_wrong(judge, "message %u/%llu took effect behind the closing record", index, (unsigned long long)n);
        if (ordered && state->executed > 0 && lane->order[state->executed - 1] >= n)
            judge_wrong(judge, "message %u/%llu took effect after %llu on an ordered lane", index,
                        (unsigned long long)n, (unsigned long long)lane->order[state->executed - 1]);
        for (uint64_t before = state->executed > 0 ? lane->order[state->executed - 1] + 1 : 1; ordered && before < n;
             before++) {
            if (lane->status[before] == 0)
                judge_wrong(judge, "message %u/%llu took effect before %llu was decided, on an ordered lane", index,
                            (unsigned long long)n, (unsigned long long)before);
        }
    }
}

/* Its number counts from the first one, which the registry was deployed with. */
static bool epoch_counts(const struct judge *judge, uint16_t chain, uint64_t epoch)
{
    const struct model *model = &judge->world->model;
    uint64_t current = judge->world->epochs[chain].number + model->epoch[chain];
    bool overlaps = model->epoch[chain] > 0 && model_time(model->height[chain]) < model->overlap_end[chain];
    return epoch == current || (overlaps && epoch == current - 1);
}

static void accepted(void *context, uint16_t lane, uint8_t kind, const struct proof_head *head, uint64_t epoch)
{
    struct judge *judge = context;
    uint16_t watch = (uint16_t)(lane * 3 + kind - 1);
    const struct model_lane *model = &judge->world->model.lanes[lane];
    uint16_t chain = topology_log_target(&judge->world->lanes[lane], kind);
    judge->checks++;
    if (!epoch_counts(judge, chain, epoch))
        judge_wrong(judge, "a contract took %s of lane %u, number %llu, under epoch %llu, which has ended",
                    log_name(watch), lane, (unsigned long long)head->number, (unsigned long long)epoch);
    else if (!is_final(judge, watch, head->number, head->running))
        judge_wrong(judge, "a contract took %s of lane %u, number %llu, that the other chain does not hold",
                    log_name(watch), lane, (unsigned long long)head->number);
    else if (kind == PROOF_LOG_MESSAGE && head->number > model->kept && model->forgotten.count > 0 &&
             !is_forgotten(judge, watch, head->number, head->running))
        judge_wrong(judge, "an inbox took messages of lane %u, number %llu, of a second history", lane,
                    (unsigned long long)head->number);
    else if (kind == PROOF_LOG_MESSAGE && model->before > 0 &&
             !judge->world->model.lanes[model->before - 1].closed_inbox)
        judge_wrong(judge, "lane %u began at its inbox before the generation before it, lane %u, had ended there", lane,
                    model->before - 1);
    else if (!is_certified(judge, watch, head->number, epoch > judge->world->epochs[chain].number))
        judge_wrong(judge, "a contract took %s of lane %u, number %llu, that too few operators of its epoch signed",
                    log_name(watch), lane, (unsigned long long)head->number);
}

/* ---- marks ---------------------------------------------------------------------------------------------------------- */

static void certified_check(struct judge *judge, uint16_t relay, uint16_t watch, const struct core_log *log)
{
    const struct model_lane *lane = &judge->world->model.lanes[watch / 3];
    if (watch % 3 + 1 == PROOF_LOG_MESSAGE && lane->forgotten.count > 0 && log->certified > lane->kept &&
        !is_forgotten(judge, watch, log->certified, log->certified_running))
        head_wrong(judge, relay, watch, log->certified, "certified here in a second history");
    if (!is_final(judge, watch, log->certified, log->certified_running))
        head_wrong(judge, relay, watch, log->certified,
                   "certified here, but the chain does not hold it, or not finally");
    else if (!is_certified_once(judge, watch, log->certified))
        head_wrong(judge, relay, watch, log->certified, "certified here, but too few operators of one epoch signed it");
}

static void bounds_check(struct judge *judge, uint16_t relay, uint16_t watch, const struct core_log *log)
{
    uint64_t window = judge->world->lanes[watch / 3].window, claims = 0;
    uint64_t cap = window + RELAY_BATCH_MAX; /* a segment counts whole while it is settled in part */
    if (log->kind == PROOF_LOG_OUTCOME && log->reach >= log->stored) /* certified: what a relay that was away lacked */
        cap += (uint64_t)CORE_NUMBERS_MAX * PROOF_OUTCOME_RECORD_BYTES;
    if (log->window_used > cap)
        judge_wrong(judge, "relay %u: %s of lane %u take %llu bytes, the window is %llu", relay, log_name(watch),
                    watch / 3, (unsigned long long)log->window_used, (unsigned long long)window);
    if (judge->world->claims == 0 || log->is_home)
        return;
    for (size_t i = core_log_segment_at(log, log->certified + 1); i < log->segments_len; i++)
        claims += log->segments[i].bytes;
    if (claims > judge->world->claims + RELAY_BATCH_MAX)
        judge_wrong(judge, "relay %u: claims on %s of lane %u take %llu bytes, their budget is %llu", relay,
                    log_name(watch), watch / 3, (unsigned long long)claims, (unsigned long long)judge->world->claims);
}

static void marks_take(struct judge_marks *marks, const struct core_log *log)
{
    *marks = (struct judge_marks){.base = log->base,
                                  .stored = log->stored,
                                  .durable = log->durable,
                                  .proven = log->proven,
                                  .certified = log->certified,
                                  .window = log->window_used};
}

static void log_check(struct judge *judge, uint16_t relay, uint16_t watch, const struct relay_core *core)
{
    const struct core_log *log = &core->logs[watch];
    struct judge_marks *marks = &judge->relays[relay].marks[watch];
    if (judge->world->relays[relay].fooled) { /* what it proves is not so: but it must not have two words */
        marks_take(marks, log);
        return;
    }
    if (log->certified > marks->certified)
        certified_check(judge, relay, watch, log);
    if (log->proven > marks->proven && log->proven > log->base) {
        const uint8_t *running = core_log_running(core, log, log->proven);
        if (running == NULL || !is_final(judge, watch, log->proven, running))
            head_wrong(judge, relay, watch, log->proven, "proven here, but the chain does not hold it, or not finally");
    }
    if (log->stored > marks->stored && marks->stored > 0 && !log->is_home && log->kind != PROOF_LOG_SETTLEMENT &&
        log->stored > log->base && core_head_find(log, log->stored, core_log_running(core, log, log->stored)) == NULL)
        head_wrong(judge, relay, watch, log->stored, "stored here as a claim that no operator signed");
    if (log->base > marks->base && !judge_may_forget(judge, watch, log->base))
        head_wrong(judge, relay, watch, log->base, "forgotten here before its outcome was certified");
    if (log->window_used > marks->window)
        bounds_check(judge, relay, watch, log);
    uint64_t *sure = &judge->relays[relay].platter[watch].sure, confirmed = core_log_confirmed(log);
    confirmed = confirmed < log->durable ? confirmed : log->durable;
    if (log->durable > log->base && confirmed > *sure) /* at its base a relay may have joined, on disk or not yet */
        *sure = confirmed;
    marks_take(marks, log);
    judge->checks++;
}

/* ---- what leaves a relay -------------------------------------------------------------------------------------------- */

static int watch_of(const struct judge *judge, const uint8_t log[32])
{
    uint8_t kind = 0;
    int lane = topology_lane_by_log(&judge->world->network, log, &kind);
    return lane < 0 ? -1 : lane * 3 + kind - 1;
}

static void range_told(struct judge *judge, uint16_t relay, const struct proof_item_range *range)
{
    int watch = watch_of(judge, range->log);
    uint64_t to = range->from + range->count - 1;
    if (watch >= 0 && to > judge->relays[relay].platter[watch].reached)
        head_wrong(judge, relay, (uint16_t)watch, to, "told to others before it was on the disk");
}

static void heads_told(struct judge *judge, uint16_t relay, const struct proof_item_attestation *item)
{
    struct proof_item_parts parts;
    struct proof_item_leaf leaf;
    uint64_t number = 0;
    int watch = -1;
    proof_item_leaves_init(&parts, item);
    while (proof_item_leaves_next(&leaf, &parts)) { /* what is not worth keeping is told on with what is */
        watch = leaf.leaf.kind == PROOF_LEAF_HEAD ? watch_of(judge, leaf.leaf.head.log) : -1;
        if (watch < 0 || judge_platter_head(judge, relay, (uint16_t)watch, leaf.leaf.head.number, item->key_id))
            return;
        number = leaf.leaf.head.number;
    }
    if (watch >= 0)
        head_wrong(judge, relay, (uint16_t)watch, number, "a signature was told to others before it was on the disk");
}

static void frame_told(struct judge *judge, uint16_t relay, struct bytes body)
{
    struct proof_frame frame = {.body = body};
    struct proof_items items;
    struct proof_item item;
    proof_items_init(&items, &frame);
    while (proof_items_next(&item, &items)) {
        judge->checks++;
        if (item.type == PROOF_ITEM_RANGE)
            range_told(judge, relay, &item.range);
        else if (item.type == PROOF_ITEM_ATTESTATION)
            heads_told(judge, relay, &item.attestation);
    }
}

static void signer_told(struct judge *judge, uint16_t relay, struct bytes body)
{
    struct relay_signing_statement statements[RELAY_SOURCES_MAX];
    struct relay_signing_log *logs = malloc(RELAY_SIGNING_LOGS_MAX * sizeof(*logs));
    struct relay_signing_request request;
    bool read = relay_signing_request_read(&request, statements, logs, body);
    for (size_t i = 0; read && i < request.logs_len; i++) {
        int watch = watch_of(judge, logs[i].log);
        uint64_t to = logs[i].from + logs[i].count - 1;
        const struct judge_platter *platter =
            &judge->relays[relay].platter[watch % 3 == 2 ? watch - 1 : watch]; /* settlement counts outcomes */
        judge->checks++;
        if (to > platter->reached)
            head_wrong(judge, relay, (uint16_t)watch, to, "goes to the signer before it is on the disk");
    }
    free(logs);
}

static void actions(void *context, uint16_t relay, const struct relay_action *taken, size_t len)
{
    struct judge *judge = context;
    const struct relay_core *core = judge->world->relays[relay].core;
    for (size_t i = 0; i < len; i++) {
        const struct relay_action *action = &taken[i];
        uint64_t words[4] = {judge->world->now, action->type, action->id,
                             (uint64_t)relay << 48 | (uint64_t)action->source << 32 | (uint64_t)action->peer << 16 |
                                 action->zone};
        trace(judge, words, sizeof(words));
        trace(judge, action->body.data, action->body.len);
        if (action->type == RELAY_ACTION_PUBLISH || action->type == RELAY_ACTION_ANSWER)
            frame_told(judge, relay, action->body);
        else if (action->type == RELAY_ACTION_SIGN)
            signer_told(judge, relay, action->body);
    }
    for (uint16_t watch = 0; watch < core->logs_len && core->ready; watch++) {
        const struct core_log *log = &core->logs[watch];
        const struct judge_marks *marks = &judge->relays[relay].marks[watch];
        if (log->certified != marks->certified || log->proven != marks->proven || log->base != marks->base ||
            log->stored != marks->stored || log->durable != marks->durable || log->window_used != marks->window)
            log_check(judge, relay, watch, core);
    }
}

static void event(void *context, uint16_t relay, const struct relay_event *taken)
{
    struct judge *judge = context;
    uint64_t words[3] = {taken->now, taken->type, taken->id};
    judge->events++;
    trace(judge, words, sizeof(words));
    for (uint16_t lane = 0; lane < judge->world->shape.lanes; lane++) {
        if (judge->lanes[lane].executed != judge->world->model.lanes[lane].order_len)
            executions_check(judge, lane);
    }
    (void)relay;
}

static void started(void *context, uint16_t relay, const struct relay_core_config *config)
{
    struct judge *judge = context;
    memset(judge->relays[relay].marks, 0, sizeof(judge->relays[relay].marks));
    judge_platter_scan(judge, relay);
    (void)config;
}

static void committed(void *context, uint16_t relay, const struct relay_op *ops, size_t ops_len)
{
    judge_platter_commit(context, relay, ops, ops_len);
}

static void wrong(void *context, const char *text)
{
    judge_wrong(context, "%s", text);
}

bool judge_may_forget(struct judge *judge, uint16_t watch, uint64_t number)
{
    const struct model_lane *model = &judge->world->model.lanes[watch / 3];
    struct judge_lane *lane = &judge->lanes[watch / 3];
    uint64_t outcomes = judge->watches[watch / 3 * 3 + 1].quorum, settlement = judge->watches[watch / 3 * 3 + 2].quorum;
    if (watch % 3 + 1 != PROOF_LOG_MESSAGE)
        return number <= settlement;
    for (; lane->entries < outcomes && lane->entries < model->outcomes.count; lane->entries++) {
        uint64_t sequence = model->outcomes.entries[lane->entries].sequence;
        lane->certain = model_grow(lane->certain, &lane->certain_cap, sequence + 2, 1);
        lane->certain[sequence] = 1;
    }
    while (lane->safe + 1 < lane->certain_cap && lane->certain[lane->safe + 1])
        lane->safe++;
    return number <= lane->safe;
}

/* ---- beginning and end ---------------------------------------------------------------------------------------------- */

void judge_init(struct judge *judge, struct world *world)
{
    memset(judge, 0, sizeof(*judge));
    judge->world = world;
    world->watcher = (struct world_watcher){.context = judge,
                                            .started = started,
                                            .event = event,
                                            .actions = actions,
                                            .committed = committed,
                                            .signed_head = signed_head,
                                            .wrong = wrong};
    world->model.accepted = accepted;
    world->model.context = judge;
}

void judge_fini(struct judge *judge)
{
    for (size_t i = 0; i < WORLD_RELAYS_MAX; i++) {
        for (size_t watch = 0; watch < WORLD_LOGS_MAX; watch++)
            free(judge->relays[i].platter[watch].segments);
        free(judge->relays[i].heads);
    }
    for (size_t i = 0; i < WORLD_LOGS_MAX; i++)
        free(judge->watches[i].signers);
    for (size_t i = 0; i < WORLD_LANES_MAX; i++)
        free(judge->lanes[i].certain);
}

/* Behind the end of a lane: to its sender all is void; what was forgotten took effect once at most. */
static void void_check(struct judge *judge, uint16_t index)
{
    const struct model_lane *lane = &judge->world->model.lanes[index];
    for (uint64_t n = lane->last + 1; n < lane->sequences_cap; n++) {
        if (lane->settled[n] != 0)
            judge_wrong(judge, "message %u/%llu is void, its outbox says %u", index, (unsigned long long)n,
                        lane->settled[n]);
        if (lane->executed[n] > 1 || (lane->executed[n] > 0 && n > lane->final))
            judge_wrong(judge, "message %u/%llu, of a closed lane, took effect %u times", index, (unsigned long long)n,
                        lane->executed[n]);
    }
}

void judge_end(struct judge *judge)
{
    const struct world *world = judge->world;
    for (uint16_t index = 0; index < world->shape.lanes; index++) {
        const struct model_lane *lane = &world->model.lanes[index];
        executions_check(judge, index);
        if (lane->closed_outbox)
            void_check(judge, index);
        for (uint64_t n = 1; n <= (lane->closed_outbox ? lane->last : lane->messages.count); n++) {
            unsigned wanted = lane->status[n] == PROOF_OUTCOME_DONE;
            if (lane->status[n] == 0)
                judge_wrong(judge, "message %u/%llu was lost: nothing was decided", index, (unsigned long long)n);
            else if (lane->executed[n] != wanted)
                judge_wrong(judge, "message %u/%llu took effect %u times, its outcome says %u", index,
                            (unsigned long long)n, lane->executed[n], lane->status[n]);
            else if (lane->settled[n] != lane->status[n])
                judge_wrong(judge, "message %u/%llu: the inbox says %u, the outbox %u", index, (unsigned long long)n,
                            lane->status[n], lane->settled[n]);
        }
    }
    for (uint16_t relay = 0; relay < world->relays_len; relay++)
        judge_platter_scan(judge, relay);
}
