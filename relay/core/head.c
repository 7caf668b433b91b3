/*
 * Signed heads as they are kept: which ones, how many of each operator, and their rows in the store. What is taken for one,
 * and what certifies it, is for gather.c to say.
 */
#include <stdlib.h>
#include <string.h>

#include "relay/core/parts.h"

/* Heads beyond the certified one that count against one operator: each multiple of C in the longest window, and some. */
enum { WORDS_MAX = CORE_NUMBERS_MAX / TOPOLOGY_HEAD_STEP + 64 };

struct core_head *core_head_find(const struct core_log *log, uint64_t number, const uint8_t running[32])
{
    for (size_t i = log->heads_len; i-- > 0 && log->heads[i].number >= number;) {
        if (log->heads[i].number == number && memcmp(log->heads[i].running, running, 32) == 0)
            return &log->heads[i];
    }
    return NULL;
}

const struct core_attestation *core_head_signer(const struct core_head *head, uint16_t operator_number)
{
    for (size_t i = 0; i < head->signers_len; i++) {
        if (head->signers[i]->operator_number == operator_number)
            return head->signers[i];
    }
    return NULL;
}

const struct core_attestation *core_head_key(const struct core_head *head, const uint8_t key_id[32])
{
    for (size_t i = 0; i < head->signers_len; i++) {
        if (memcmp(head->signers[i]->key_id, key_id, 32) == 0)
            return head->signers[i];
    }
    return NULL;
}

const uint8_t *core_head_running(const struct relay_core *core, const struct core_log *log, uint64_t number)
{
    for (size_t i = log->heads_len; i-- > 0 && log->heads[i].number >= number;) {
        if (log->heads[i].number == number && log->heads[i].certified)
            return log->heads[i].running;
    }
    return number > 0 && number == log->certified ? log->certified_running : core_log_running(core, log, number);
}

static struct core_head *head_insert(struct relay_core *core, struct core_log *log, uint64_t number,
                                     const uint8_t running[32])
{
    struct core_head *found = core_head_find(log, number, running);
    if (found != NULL)
        return found;
    if (log->heads_len == log->heads_cap) {
        log->heads_cap = log->heads_cap ? 2 * log->heads_cap : 8;
        log->heads = core_alloc(log->heads, log->heads_cap, sizeof(*log->heads));
    }
    size_t at = log->heads_len++;
    while (at > 0 && log->heads[at - 1].number > number) {
        log->heads[at] = log->heads[at - 1];
        at--;
    }
    log->heads[at] = (struct core_head){.number = number, .seen = core->now};
    memcpy(log->heads[at].running, running, 32);
    return &log->heads[at];
}

static void signer_add(struct core_head *head, const struct proof_item_attestation *item, struct bytes path,
                       uint16_t operator_number, bool second, uint64_t write)
{
    struct core_attestation *attestation = core_alloc(NULL, 1, sizeof(*attestation) + path.len);
    *attestation = (struct core_attestation){.operator_number = operator_number,
                                             .suite = item->suite,
                                             .write = write,
                                             .second = second,
                                             .path_len = (uint16_t)path.len};
    memcpy(attestation->key_id, item->key_id, 32);
    memcpy(attestation->root, item->root, 32);
    memcpy(attestation->signature, item->signature, 64);
    if (path.len)
        memcpy(attestation->path, path.data, path.len);
    head->signers = core_alloc(head->signers, head->signers_len + 1, sizeof(*head->signers));
    head->signers[head->signers_len++] = attestation;
}

static struct bytes head_key(uint8_t out[KEYS_HEAD_SECOND_BYTES], const struct core_log *log,
                             const struct core_head *head, const struct core_attestation *attestation)
{
    keys_head_key(out, log->id, head->number, attestation->key_id);
    out[KEYS_HEAD_BYTES] = 1;
    return (struct bytes){out, attestation->second ? KEYS_HEAD_SECOND_BYTES : KEYS_HEAD_BYTES};
}

static void head_write(struct relay_core *core, const struct core_log *log, const struct core_head *head,
                       const struct core_attestation *attestation)
{
    uint8_t key[KEYS_HEAD_SECOND_BYTES], value[KEYS_SMALL_VALUE_MAX];
    struct codec_writer writer;
    struct keys_head row = {.suite = attestation->suite, .path = {attestation->path, attestation->path_len}};
    memcpy(row.running, head->running, 32);
    memcpy(row.root, attestation->root, 32);
    memcpy(row.signature, attestation->signature, 64);
    codec_writer_init(&writer, value, sizeof(value));
    keys_head_write(&writer, &row);
    core_put(core, STORE_HEAD, head_key(key, log, head, attestation), codec_writer_bytes(&writer));
}

static bool key_spoke(const struct core_log *log, uint64_t number, const uint8_t key_id[32])
{
    for (size_t i = log->heads_len; i-- > 0 && log->heads[i].number >= number;) {
        if (log->heads[i].number == number && core_head_key(&log->heads[i], key_id) != NULL)
            return true;
    }
    return false;
}

void core_head_add(struct relay_core *core, struct core_log *log, const struct proof_head *head,
                   const struct proof_item_attestation *item, struct bytes path, uint16_t operator_number)
{
    struct core_head *kept = head_insert(core, log, head->number, head->running);
    signer_add(kept, item, path, operator_number, key_spoke(log, head->number, item->key_id), core->write_id);
    head_write(core, log, kept, kept->signers[kept->signers_len - 1]);
    if (head->number > log->hint)
        log->hint = head->number;
    core_log_mark(core, log);
}

void core_head_restore(struct relay_core *core, struct core_log *log, uint64_t number, const uint8_t key_id[32],
                       bool second, const struct keys_head *value)
{
    uint16_t operator_number = 0;
    struct proof_item_attestation item = {.suite = value->suite};
    memcpy(item.key_id, key_id, 32);
    memcpy(item.root, value->root, 32);
    memcpy(item.signature, value->signature, 64);
    if (core_epoch_of_key(core, log, key_id, &operator_number) == NULL)
        return; /* of an epoch that the document no longer knows */
    struct core_head *head = head_insert(core, log, number, value->running);
    if (core_head_key(head, key_id) == NULL)
        signer_add(head, &item, value->path, operator_number, second, 0);
    if (number > log->hint)
        log->hint = number;
}

/* ---- what is kept --------------------------------------------------------------------------------------------------- */

/* Beyond our records and answered, as far as certificates say: peers that pruned may let this relay begin there. */
bool core_head_joins(const struct core_log *log, uint64_t number)
{
    return !log->is_home && log->kind != PROOF_LOG_SETTLEMENT && number > log->stored && number <= (log + 1)->certified;
}

/*
 * Kept: everything beyond the certified head, the certified head, the greatest one that our records lead to (without it
 * they could be neither delivered nor pruned), every multiple of C beyond the settled mark that an inbox may have to
 * step on, the head at the base, at which a new relay can join, the greatest one to which the base can move (our own signer
 * may hold it long after all is settled), the first one at which this relay can join, that of a delivery being loaded.
 */
bool core_head_needed(const struct core_log *log, uint64_t number)
{
    if (number >= log->certified || number == log->base || number == log->reach || number == log->join ||
        number == log->ground || (log->submission.loading && number == log->submission.to))
        return true;
    if (number <= log->settled || log->kind == PROOF_LOG_SETTLEMENT)
        return false;
    return number % TOPOLOGY_HEAD_STEP == 0;
}

static void signer_drop(struct relay_core *core, const struct core_log *log, const struct core_head *head,
                        struct core_attestation *signer)
{
    uint8_t key[KEYS_HEAD_SECOND_BYTES];
    core_delete(core, STORE_HEAD, head_key(key, log, head, signer));
    free(signer);
}

static void head_drop(struct relay_core *core, struct core_log *log, struct core_head *head)
{
    for (size_t i = 0; i < head->signers_len; i++)
        signer_drop(core, log, head, head->signers[i]);
    free(head->signers);
}

/* An operator's words that go first: the lowest, but those that an inbox may have to step on after all others. */
static bool goes_before(uint64_t number, uint64_t other)
{
    bool step = number % TOPOLOGY_HEAD_STEP == 0, other_step = other % TOPOLOGY_HEAD_STEP == 0;
    return step != other_step ? other_step : number < other;
}

static void word_drop(struct relay_core *core, struct core_log *log, struct core_head *head, uint16_t operator_number)
{
    size_t kept = 0;
    for (size_t i = 0; i < head->signers_len; i++) {
        if (head->signers[i]->operator_number == operator_number)
            signer_drop(core, log, head, head->signers[i]);
        else
            head->signers[kept++] = head->signers[i];
    }
    head->signers_len = kept;
    if (kept > 0)
        return;
    free(head->signers);
    size_t at = (size_t)(head - log->heads);
    log->heads_len--;
    memmove(head, head + 1, (log->heads_len - at) * sizeof(*head));
}

/*
 * Heads beyond the certified one count against every operator that signed them, with others or alone: however many it signs,
 * however high, it takes no other's place, and two that lie together take no more than each for itself. Room for one more
 * word of this operator: its first one to go goes, if that is not the new one. What our own signer says with others is kept
 * with theirs: dropped here it would be asked for again.
 */
bool core_head_admit(struct relay_core *core, struct core_log *log, const struct core_head *known,
                     uint16_t operator_number, bool own, uint64_t number)
{
    struct core_head *first = NULL;
    size_t words = 0;
    if (known != NULL && (own || core_head_signer(known, operator_number) != NULL))
        return true;
    for (size_t i = 0; i < log->heads_len; i++) {
        struct core_head *head = &log->heads[i];
        if (head->number <= log->certified || core_head_signer(head, operator_number) == NULL ||
            (own && head->signers_len > 1))
            continue;
        words++;
        if (first == NULL || goes_before(head->number, first->number))
            first = head;
    }
    if (words < WORDS_MAX)
        return true;
    /* Those are refused and not exchanged: so relays cannot tell each other the same heads in turn for ever. */
    if (goes_before(number, first->number))
        return false;
    word_drop(core, log, first, operator_number);
    return true;
}

void core_head_prune(struct relay_core *core, struct core_log *log)
{
    size_t kept = 0;
    if (log->frozen)
        return; /* what it was frozen for stays as proof */
    log->reach = log->join = log->ground = 0;
    for (size_t i = 0; i < log->heads_len; i++) {
        if (log->heads[i].certified && log->join == 0 && core_head_joins(log, log->heads[i].number))
            log->join = log->heads[i].number;
        if (log->heads[i].certified && log->heads[i].number <= log->stored)
            log->reach = log->heads[i].number;
        if (log->heads[i].certified && log->heads[i].number <= log->settled)
            log->ground = log->heads[i].number;
    }
    for (size_t i = 0; i < log->heads_len; i++) {
        if (core_head_needed(log, log->heads[i].number))
            log->heads[kept++] = log->heads[i];
        else
            head_drop(core, log, &log->heads[i]);
    }
    log->heads_len = kept;
}

/* ---- what is told ----------------------------------------------------------------------------------------------------- */

void core_head_pack(struct codec_pack *pack, const struct core_log *log, const struct core_head *head,
                    const struct core_attestation *attestation)
{
    uint8_t buffer[PROOF_LEAF_BYTES_MAX + PROOF_PATH_MAX * 32 + 64];
    struct codec_pack leaves;
    struct proof_item item = {.type = PROOF_ITEM_ATTESTATION};
    struct proof_item_leaf leaf = {.leaf = {.kind = PROOF_LEAF_HEAD, .head = {.number = head->number}},
                                   .path = {attestation->path, attestation->path_len}};
    memcpy(leaf.leaf.head.log, log->id, 32);
    memcpy(leaf.leaf.head.running, head->running, 32);
    codec_pack_init(&leaves, sizeof(buffer));
    proof_pack_leaf(&leaves, &leaf);
    item.attestation.suite = attestation->suite;
    memcpy(item.attestation.key_id, attestation->key_id, 32);
    memcpy(item.attestation.root, attestation->root, 32);
    memcpy(item.attestation.signature, attestation->signature, 64);
    item.attestation.count = 1;
    item.attestation.leaves = codec_pack_bytes(&leaves);
    proof_item_write(pack, &item);
    codec_pack_fini(&leaves);
}
