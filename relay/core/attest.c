/*
 * Our operator's signature. The core decides which heads are worth a signature and sends the signer everything it needs
 * to see for itself; the signer decides whether to sign (I1, I7). DESIGN section 1, "Who signs what": ascending, every
 * multiple of C, every valid uncertified head of another operator, then the newest.
 */
#include <stdio.h>
#include <string.h>

#include "proofs/codec/hex.h"
#include "relay/core/parts.h"

enum {
    REQUEST_BYTES_MAX = CODEC_CONNECTOR_MESSAGE_MAX + 32 * CORE_NUMBERS_MAX
}; /* the largest evidence, and one log */
_Static_assert(REQUEST_BYTES_MAX + (1 << 20) < RELAY_SIGNING_MESSAGE_MAX, "a signer takes every request");

enum { SIGNER_PATIENCE_MS = 30000, OTHER_WAITS_MS = 2000, BEHIND_PAUSE_MS = 60000 };

static const char *kind_name(const struct core_log *log)
{
    return proof_log_kind_name((enum proof_log_kind)log->kind);
}

static void head_add(struct relay_signing_log *out, uint64_t number)
{
    uint32_t at = out->heads_len;
    while (at > 0 && out->heads[at - 1] > number)
        at--;
    if ((at > 0 && out->heads[at - 1] == number) || out->heads_len == RELAY_SIGNING_HEADS_MAX)
        return;
    memmove(&out->heads[at + 1], &out->heads[at], (out->heads_len - at) * sizeof(out->heads[0]));
    out->heads[at] = number;
    out->heads_len++;
}

static bool is_signed(const struct relay_core *core, const struct core_log *log, uint64_t number)
{
    const uint8_t *running = core_log_running(core, log, number);
    const struct core_head *head = running ? core_head_find(log, number, running) : NULL;
    for (size_t i = 0; head != NULL && i < core->config.attester_keys_len; i++) {
        if (core_head_key(head, core->config.attester_keys[i]) != NULL)
            return true;
    }
    return false;
}

/* What it signed last is of an epoch that the document no longer names: undelivered, it counts for nothing now. */
static bool word_lost(const struct relay_core *core, const struct core_log *log, uint64_t top)
{
    return top > log->certified && top > log->settled && !is_signed(core, log, top);
}

/*
 * A head that no quorum of the newest epoch has signed, that lies on our chain and that our operator did not sign. The signer
 * is led to it from its guard, or over records: below those that are kept it can only refuse.
 */
static bool lacks_our_word(const struct relay_core *core, const struct core_log *log, const struct core_head *head,
                           uint64_t top)
{
    const struct core_log *items = log->kind == PROOF_LOG_SETTLEMENT ? log - 1 : log;
    const uint8_t *running = core_log_running(core, log, head->number);
    bool led = head->number > items->base || head->number >= log->guard;
    return led && head->number <= top && running != NULL && memcmp(running, head->running, 32) == 0 &&
           !core_gather_stands(core, log, head) && !is_signed(core, log, head->number);
}

/*
 * Which numbers to sign, all of them at or below `top`. Those up to the guard were signed before and their signatures may
 * have been lost with a crash between the signer's answer and our commit: the same head again is the same word.
 */
static void heads_choose(struct relay_signing_log *out, const struct relay_core *core, const struct core_log *log,
                         uint64_t top)
{
    out->heads_len = 0;
    for (uint64_t n = (log->settled / TOPOLOGY_HEAD_STEP + 1) * TOPOLOGY_HEAD_STEP;
         n <= top && log->kind != PROOF_LOG_SETTLEMENT; n += TOPOLOGY_HEAD_STEP) {
        if (out->heads_len < RELAY_SIGNING_HEADS_MAX / 2 && !is_signed(core, log, n))
            head_add(out, n);
    }
    for (size_t i = 0; i < log->heads_len && out->heads_len < RELAY_SIGNING_HEADS_MAX - 1; i++) {
        if (lacks_our_word(core, log, &log->heads[i], top))
            head_add(out, log->heads[i].number);
    }
    if (log->attested < top || word_lost(core, log, top))
        head_add(out, top);
}

static bool step_missing(const struct relay_core *core, const struct core_log *log, uint64_t top)
{
    if (log->kind == PROOF_LOG_SETTLEMENT)
        return false; /* no contract steps over settlement heads */
    for (uint64_t n = (log->settled / TOPOLOGY_HEAD_STEP + 1) * TOPOLOGY_HEAD_STEP; n <= top; n += TOPOLOGY_HEAD_STEP) {
        if (!is_signed(core, log, n))
            return true;
    }
    return false;
}

/*
 * Another operator's head that lacks a quorum for long and lies on our chain: ours is past it, so only we can come back. Or
 * one that only the epoch before this one certified, and nobody has delivered yet.
 */
static bool other_waits(const struct relay_core *core, const struct core_log *log, uint64_t top)
{
    for (size_t i = 0; i < log->heads_len; i++) {
        if (core->now - log->heads[i].seen >= OTHER_WAITS_MS && lacks_our_word(core, log, &log->heads[i], top))
            return true;
    }
    return false;
}

/*
 * Below what others had certified when we started nothing is signed until our own proof leads there. But where that lies
 * beyond the window our signature is what makes room for the rest of the way: so there it goes on, step by step.
 */
static bool below_floor(const struct relay_core *core, const struct core_log *log)
{
    return log->evidence_number < log->hear.floor && !core_ingest_full(core, log);
}

static bool wants_signature(const struct relay_core *core, const struct core_log *log)
{
    uint64_t top = log->evidence_number;
    uint64_t durable = log->kind == PROOF_LOG_SETTLEMENT ? (log - 1)->durable : log->durable;
    if (!core->config.attests || !log->is_home || log->frozen || !log->guard_known || log->evidence == NULL)
        return false;
    if (durable < top || top < log->guard || !log->hear.done || below_floor(core, log))
        return false;
    if (core_lane(core, log)->state == TOPOLOGY_LANE_CLOSED && log->kind == PROOF_LOG_MESSAGE)
        return false;
    if (core_light_cause(core, log->home) == RELAY_CAUSE_ATTACK)
        return false;
    /* Settled heads are signed, too: the guard has to pass them to reach what is not. */
    if (log->attested < top)
        return true;
    /* Again only where it helps: else it would be signed, refused and signed without end. */
    return core_gather_counts(core, log) &&
           (word_lost(core, log, top) || step_missing(core, log, top) || other_waits(core, log, top));
}

/* The home chain shows, proven here, another history than the one that our operator signed. */
static bool signed_elsewhere(struct relay_core *core, struct core_log *log, const struct core_log *items)
{
    const uint8_t *ours = core_log_running(core, items, log->guard);
    if (log->guard == 0 || memcmp(ours, log->guard_running, 32) == 0)
        return false;
    log->sign_again = core->now + BEHIND_PAUSE_MS; /* as above */
    core_note(core, RELAY_ALARM, RELAY_REASON_EVIDENCE_CONTRADICTS, log, log->guard,
              "our operator signed another history up to %llu than the home chain shows now: compare with the other "
              "operators before anything else",
              (unsigned long long)log->guard);
    return true;
}

static bool request_log(struct relay_signing_log *out, struct relay_core *core, struct core_log *log, size_t *bytes)
{
    const struct core_log *items = log->kind == PROOF_LOG_SETTLEMENT ? log - 1 : log;
    memset(out, 0, sizeof(*out));
    memcpy(out->log, log->id, 32);
    if (log->guard < items->base) {
        log->sign_again = core->now + BEHIND_PAUSE_MS; /* only its guard can change that, and says so itself */
        core_note(core, RELAY_ALARM, RELAY_REASON_SIGNER_BEHIND, log, log->guard,
                  "%s log: the signer's guard stands at %llu, below the settled records at %llu: restore the guard or "
                  "adopt a newer head by name",
                  kind_name(log), (unsigned long long)log->guard, (unsigned long long)items->base);
        return false;
    }
    heads_choose(out, core, log, log->evidence_number);
    if (out->heads_len == 0)
        return false;
    out->from = out->heads[0] <= log->guard && out->heads[0] > items->base ? out->heads[0] : log->guard + 1;
    if (signed_elsewhere(core, log, items))
        out->from = items->base + 1; /* all of ours, so that the signer can see for itself */
    out->count = (uint32_t)(log->evidence_number + 1 - out->from);
    memcpy(out->prior, core_log_running(core, items, out->from - 1), 32);
    size_t len = (size_t)out->count * 32;
    if (*bytes + len > REQUEST_BYTES_MAX)
        return false; /* the next request has room for it: one log alone always fits */
    uint8_t *digests = core_scratch(core, len + 1);
    for (uint32_t i = 0; i < out->count; i++)
        memcpy(digests + 32 * (size_t)i, core_log_digest(items, out->from + i), 32);
    out->items = (struct bytes){digests, len};
    *bytes += len;
    return true;
}

static void request_send(struct relay_core *core, uint16_t chain, const struct core_evidence *evidence)
{
    struct relay_signing_log *logs = core_scratch(core, RELAY_SIGNING_LOGS_MAX * sizeof(*logs));
    struct relay_signing_request request = {.chain = chain, .logs = logs};
    const struct core_light *light = core_light_of(core, chain);
    size_t bytes = evidence->bytes_len;
    if (light != NULL && !core_teach_ready(light))
        return;
    for (size_t i = 0; i < evidence->marks_len && request.logs_len < RELAY_SIGNING_LOGS_MAX; i++) {
        struct core_log *log = &core->logs[evidence->marks[i].log];
        if (log->evidence == evidence && wants_signature(core, log) &&
            request_log(&logs[request.logs_len], core, log, &bytes))
            request.logs_len++;
    }
    request.statements = evidence->statements;
    request.statements_len = evidence->statements_len;
    if (request.logs_len == 0 || (request.statements_len == 0 && light == NULL) ||
        !relay_signing_document(request.document, core->network->hash, core->config.sources, core->config.sources_len))
        return;
    request.id = core->chains[chain].signing_id = ++core->next_id;
    request.evidence = (struct bytes){evidence->bytes, evidence->bytes_len};
    size_t cap = bytes + 4096 + request.logs_len * (128 + sizeof(logs[0].heads));
    uint8_t *message = core_scratch(core, cap);
    size_t len = relay_signing_request_write(message, cap, &request);
    if (len == 0)
        return;
    struct relay_action *action = core_act(core, RELAY_ACTION_SIGN);
    action->id = request.id;
    action->body = (struct bytes){message, len};
    core->chains[chain].signing = true;
    core->chains[chain].signing_since = core->now;
}

struct core_step core_stage_attest(struct relay_core *core, struct core_log *log)
{
    if (!core->config.attests || !log->is_home || log->frozen)
        return (struct core_step){RELAY_CAUSE_NONE};
    bool behind = log->proven > log->attested;
    if (!core_hear(core, log) || (behind && below_floor(core, log)))
        return (struct core_step){behind ? RELAY_CAUSE_HEARING : RELAY_CAUSE_NONE};
    if (behind && (!core->signer_up || !log->guard_known))
        return (struct core_step){RELAY_CAUSE_SIGNER};
    if (!core->signer_up || !wants_signature(core, log))
        return (struct core_step){behind && log->evidence == NULL ? RELAY_CAUSE_EVIDENCE : RELAY_CAUSE_NONE};
    struct core_chain *chain = &core->chains[log->home];
    if (chain->signing && core->now - chain->signing_since < SIGNER_PATIENCE_MS)
        return (struct core_step){RELAY_CAUSE_SIGNER};
    if (core->now >= log->sign_again) {
        log->sign_again = core->now + 200; /* a refused request is not repeated at once */
        request_send(core, log->home, log->evidence);
    }
    return (struct core_step){RELAY_CAUSE_SIGNER};
}

/* ---- answers ------------------------------------------------------------------------------------------------------- */

static void guard_note(struct relay_core *core, struct core_log *log, uint64_t number, const uint8_t running[32])
{
    bool same = log->guard_known && log->guard == number && memcmp(log->guard_running, running, 32) == 0;
    if (!same)
        log->sign_again = 0; /* else it refused what led on from there, and would again */
    log->guard = number;
    memcpy(log->guard_running, running, 32);
    log->guard_known = true;
    core_log_mark(core, log);
    if (log->kind == PROOF_LOG_SETTLEMENT)
        core_log_mark(core, log - 1); /* outcomes stay until the signer is past them */
}

/* The running hash that our operator signed at this number, as the store has it; NULL: that head is not here. */
static const uint8_t *own_running(const struct relay_core *core, const struct core_log *log, uint64_t number)
{
    for (size_t i = log->heads_len; i-- > 0 && log->heads[i].number >= number;) {
        for (size_t j = 0; log->heads[i].number == number && j < core->config.attester_keys_len; j++) {
            if (core_head_key(&log->heads[i], core->config.attester_keys[j]) != NULL)
                return log->heads[i].running;
        }
    }
    return NULL;
}

/* "a signer whose guard is … behind its own heads seen on the mesh signs nothing for that log" (DESIGN section 5).
 * running: of the head at `attested` where the caller has it, else NULL. */
static void guard_check(struct relay_core *core, struct core_log *log, const uint8_t *running)
{
    char id[65], digits[65], head[160] = "";
    if (log->guard >= log->attested)
        return;
    log->guard_known = false;
    codec_hex_encode(id, BYTES_OF(log->id));
    if (running == NULL)
        running = own_running(core, log, log->attested);
    if (running != NULL) {
        codec_hex_encode(digits, (struct bytes){running, 32});
        snprintf(head, sizeof(head), " with %s:%llu:%s", id, (unsigned long long)log->attested, digits);
    }
    core_note(core, RELAY_ALARM, RELAY_REASON_SIGNER_BEHIND, log, log->guard,
              "%s log: the signer remembers %llu, its signature reaches %llu%s: not asking it for this log until its "
              "guard is restored or %s head is adopted by name",
              kind_name(log), (unsigned long long)log->guard, (unsigned long long)log->attested, head,
              running != NULL ? "that" : "its newest");
}

bool core_key_is_own(const struct relay_core *core, const uint8_t key_id[32])
{
    for (size_t i = 0; i < core->config.attester_keys_len; i++) {
        if (memcmp(core->config.attester_keys[i], key_id, 32) == 0)
            return true;
    }
    return false;
}

void core_attest_own(struct relay_core *core, struct core_log *log, const struct proof_head *head)
{
    char running[65], id[65];
    log->attested = head->number;
    log->row_dirty = true;
    if (log->guard_known && log->guard >= head->number)
        return; /* only the store is old */
    codec_hex_encode(running, BYTES_OF(head->running));
    codec_hex_encode(id, BYTES_OF(log->id));
    core_note(core, RELAY_WARNING, RELAY_REASON_SIGNER_BEHIND, log, head->number,
              "%s log: a peer shows our operator's %s:%llu:%s", kind_name(log), id, (unsigned long long)head->number,
              running);
    if (log->guard_known)
        guard_check(core, log, head->running);
}

static void attested(struct relay_core *core, struct bytes body)
{
    struct proof_item item;
    struct proof_result result;
    if (!proof_item_read(&item, body, &result) || item.type != PROOF_ITEM_ATTESTATION) {
        core_note(core, RELAY_ALARM, RELAY_REASON_SIGNER_REFUSED, NULL, 0, "signer's answer: %s",
                  proof_reason_text(result.reason));
        return;
    }
    struct proof_item_parts parts;
    struct proof_item_leaf leaf;
    bool news = core_gather_item(core, &item.attestation, core->config.self, false) == CORE_WORD_NEWS;
    proof_item_leaves_init(&parts, &item.attestation);
    while (proof_item_leaves_next(&leaf, &parts)) {
        struct core_log *log = leaf.leaf.kind == PROOF_LEAF_HEAD ? core_log_by_id(core, leaf.leaf.head.log) : NULL;
        if (log == NULL)
            continue;
        if (leaf.leaf.head.number > log->guard)
            guard_note(core, log, leaf.leaf.head.number, leaf.leaf.head.running);
        bool farther = leaf.leaf.head.number > log->attested;
        if (farther) {
            log->attested = leaf.leaf.head.number;
            log->row_dirty = true;
        }
        guard_check(core, log, NULL); /* a peer may have shown a later word while this request was under way */
        if (news || farther)
            log->sign_again = 0; /* else it would say the same again and again, as fast as it can */
        core_log_mark(core, log);
    }
}

/* The last of the guards that the signer tells at its start: a log without one is a log that it never signed. */
static void guards_told(struct relay_core *core)
{
    for (size_t i = 0; i < core->logs_len; i++) {
        struct core_log *log = &core->logs[i];
        if (log->guard_known || log->guard != 0)
            continue; /* told; refused, when it is behind */
        guard_note(core, log, 0, log->start);
        guard_check(core, log, NULL);
    }
}

static void signed_answer(struct relay_core *core, struct bytes message)
{
    struct relay_signing_answer answer;
    if (!relay_signing_answer_read(&answer, message)) {
        core_note(core, RELAY_ALARM, RELAY_REASON_SIGNER_REFUSED, NULL, 0, "malformed answer from the signer");
        return;
    }
    struct core_log *log = core_log_by_id(core, answer.log);
    if (answer.id == 0 && answer.last) {
        guards_told(core);
    } else if (answer.type == RELAY_SIGNING_ATTESTATION) {
        attested(core, answer.body);
    } else if (answer.type == RELAY_SIGNING_GUARD && log != NULL) {
        guard_note(core, log, answer.number, answer.running);
        guard_check(core, log, NULL);
    } else if (answer.type == RELAY_SIGNING_TRUST) {
        core_teach_told(core, &answer);
    } else if (answer.type == RELAY_SIGNING_REFUSAL) {
        core_note(core, RELAY_WARNING, RELAY_REASON_SIGNER_REFUSED, log, 0, "%.*s", (int)answer.body.len,
                  (const char *)answer.body.data);
        if (log == NULL)
            core_teach_refused(core, answer.id);
    }
    if (answer.last && answer.id != 0)
        core_teach_answered(core, answer.id);
    for (size_t i = 0; answer.last && i < core->network->chains_len; i++) {
        if (core->chains[i].signing && core->chains[i].signing_id == answer.id)
            core->chains[i].signing = false;
    }
    for (size_t i = 0; answer.last && i < core->logs_len; i++) {
        if (core->logs[i].is_home)
            core_log_mark(core, &core->logs[i]);
    }
}

void core_signer_event(struct relay_core *core, const struct relay_event *event)
{
    if (event->type == RELAY_EVENT_SIGNED) {
        signed_answer(core, event->body);
        return;
    }
    core->signer_up = event->type == RELAY_EVENT_SIGNER_UP;
    if (!core->signer_up)
        core_note(core, RELAY_WARNING, RELAY_REASON_SIGNER_DOWN, NULL, 0, "the signer is gone");
    core_teach_lost(core);
    for (size_t i = 0; i < core->network->chains_len; i++)
        core->chains[i].signing = false;
    for (size_t i = 0; i < core->logs_len; i++) {
        core->logs[i].guard_known = false;
        core->logs[i].guard = 0;
        core_log_mark(core, &core->logs[i]);
    }
}
