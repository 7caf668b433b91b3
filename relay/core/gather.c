/*
 * Signed heads: every valid one is kept until its log is past it, k of n distinct operators of one epoch over the same
 * head are a certificate. Heads are gathered without their records, so whoever withholds records delays nobody's quorum.
 */
#include <string.h>

#include "relay/core/parts.h"

const struct topology_epoch *core_epoch(const struct relay_core *core, const struct core_log *log)
{
    const struct topology_chain *chain = &core->network->chains[log->target];
    return chain->epochs_len ? &chain->epochs[chain->epochs_len - 1] : NULL;
}

const struct topology_epoch *core_epoch_of_key(const struct relay_core *core, const struct core_log *log,
                                               const uint8_t key_id[32], uint16_t *operator_number)
{
    const struct topology_chain *chain = &core->network->chains[log->target];
    for (size_t back = 0; back < 2 && back < chain->epochs_len; back++) {
        const struct topology_epoch *epoch = &chain->epochs[chain->epochs_len - 1 - back];
        *operator_number = topology_key_operator(epoch, key_id);
        if (*operator_number != 0)
            return epoch;
    }
    return NULL;
}

static unsigned operator_bit(const struct relay_core *core, uint16_t number)
{
    for (size_t i = 0; i < core->network->operators_len; i++) {
        if (core->network->operators[i].number == number)
            return (unsigned)i;
    }
    return TOPOLOGY_OPERATORS_MAX - 1;
}

bool core_gather_counts(const struct relay_core *core, const struct core_log *log)
{
    uint16_t number = 0;
    for (size_t i = 0; i < core->config.attester_keys_len; i++) {
        if (core_epoch_of_key(core, log, core->config.attester_keys[i], &number) != NULL &&
            !(log->expelled & UINT64_C(1) << operator_bit(core, number)))
            return true;
    }
    return false;
}

/* ---- checking ------------------------------------------------------------------------------------------------------ */

/* One signature covers many leaves and comes by several ways: checked once, remembered by place of its root. */
static bool signature_known(struct relay_core *core, const struct proof_item_attestation *item, bool remember)
{
    size_t at = ((size_t)item->root[0] << 8 | item->root[1]) ^ ((size_t)item->key_id[31] << 2);
    at %= CORE_SIGNATURE_CACHE;
    if (remember) {
        core->signatures[at].used = true;
        memcpy(core->signatures[at].root, item->root, 32);
        memcpy(core->signatures[at].key_id, item->key_id, 32);
        memcpy(core->signatures[at].signature, item->signature, 64);
        return true;
    }
    return core->signatures[at].used && memcmp(core->signatures[at].root, item->root, 32) == 0 &&
           memcmp(core->signatures[at].key_id, item->key_id, 32) == 0 &&
           memcmp(core->signatures[at].signature, item->signature, 64) == 0;
}

static bool key_of(struct proof_key *key, const struct topology_epoch *epoch, const uint8_t key_id[32])
{
    for (size_t i = 0; i < epoch->keys_len; i++) {
        const struct topology_key *known = &epoch->keys[i];
        if (memcmp(known->id, key_id, 32) != 0)
            continue;
        enum proof_suite suite = proof_suite_by_bit(known->suite);
        if (suite == PROOF_SUITE_KECCAK256_SECP256K1 || suite == PROOF_SUITE_BLAKE2B256_ED25519)
            return proof_key_from_id(key, suite, key_id);
        return proof_key_from_point(key, suite, known->point);
    }
    return false;
}

static bool leaf_proven(struct relay_core *core, const struct proof_item_attestation *item,
                        const struct proof_item_leaf *leaf, const struct topology_epoch *epoch)
{
    struct proof_attestation attestation;
    struct proof_result result;
    struct proof_key key;
    uint8_t hash[32], network[32];
    proof_leaf_hash(hash, item->suite, &leaf->leaf);
    if (signature_known(core, item, false))
        return proof_merkle_verify(item->suite, item->root, hash, leaf->path, &result) == PROOF_VALID;
    proof_item_attestation_of(&attestation, item, leaf);
    if (!key_of(&key, epoch, item->key_id) || !proof_network_id(network, item->suite, core->network->name) ||
        proof_attestation_verify(&attestation, &key, network, hash, &result) != PROOF_VALID)
        return false;
    signature_known(core, item, true);
    return true;
}

/* "An operator caught with two words … is expelled": two heads of one number and different hashes. */
static void equivocation_check(struct relay_core *core, struct core_log *log, uint64_t number,
                               const uint8_t running[32], uint16_t operator_number)
{
    for (size_t i = 0; i < log->heads_len; i++) {
        const struct core_head *other = &log->heads[i];
        if (other->number != number || memcmp(other->running, running, 32) == 0 ||
            core_head_signer(other, operator_number) == NULL)
            continue;
        log->expelled |= UINT64_C(1) << operator_bit(core, operator_number);
        log->row_dirty = true;
        core_note(core, RELAY_ALARM, RELAY_REASON_EQUIVOCATION, log, number, "operator %u signed two heads",
                  operator_number);
        return;
    }
}

/*
 * An answer shows a head of another history than ours: with k signatures it is the proof that two heads were accepted
 * (gather_conflict), whatever became of the operators that signed both. One operator has two words at a number, no more.
 */
static bool other_word(const struct relay_core *core, const struct core_log *log, const struct proof_head *head,
                       uint16_t operator_number)
{
    const uint8_t *ours = core_head_running(core, log, head->number);
    unsigned words = 0;
    for (size_t i = 0; i < log->heads_len; i++)
        words += log->heads[i].number == head->number && core_head_signer(&log->heads[i], operator_number) != NULL;
    return ours != NULL && words < 2 && memcmp(ours, head->running, 32) != 0;
}

static enum core_word leaf_take(struct relay_core *core, const struct proof_item_attestation *item,
                                const struct proof_item_leaf *leaf, uint16_t peer, bool asked)
{
    const struct proof_head *head = &leaf->leaf.head;
    struct core_log *log = core_log_by_id(core, head->log);
    uint16_t operator_number = 0;
    if (log == NULL || log->frozen || log->suite != item->suite)
        return CORE_WORD_KNOWN;
    /* What would not be kept is not taken either: else relays would tell it to each other for ever. Our own word is looked
     * at in any case. */
    bool needed = head->number >= log->base && core_head_needed(log, head->number);
    bool joins = asked && core_head_joins(log, head->number) && (log->join == 0 || head->number < log->join);
    const struct topology_epoch *epoch = core_epoch_of_key(core, log, item->key_id, &operator_number);
    bool other = asked && other_word(core, log, head, operator_number);
    bool kept_here = needed || joins || other;
    bool own = peer != core->config.self && core_key_is_own(core, item->key_id) && head->number > log->attested;
    if (!kept_here && !own)
        return CORE_WORD_KNOWN;
    const struct core_head *known = core_head_find(log, head->number, head->running);
    if (known != NULL && core_head_key(known, item->key_id) != NULL)
        return CORE_WORD_KNOWN;
    const char *vain = epoch == NULL                ? "not an attester's key"
                       : head->number == UINT64_MAX ? "nothing could follow a head of this number"
                                                    : NULL;
    if (vain != NULL || !leaf_proven(core, item, leaf, epoch)) {
        core_note(core, RELAY_WARNING, RELAY_REASON_HEAD_REFUSED, log, head->number, "from relay %s: %s",
                  core->network->relays[peer].name, vain != NULL ? vain : "signature or path is wrong");
        return vain != NULL ? CORE_WORD_KNOWN : CORE_WORD_FALSE;
    }
    if (own)
        core_attest_own(core, log, head);
    if (!kept_here)
        return CORE_WORD_KNOWN;
    const uint8_t *ours = core_log_running(core, log, head->number);
    if (ours != NULL && head->number <= log->proven && memcmp(ours, head->running, 32) != 0) {
        core_note(core, RELAY_ALARM, RELAY_REASON_HEAD_CONTRADICTS, log, head->number, "operator %u", operator_number);
        if (!other)
            return CORE_WORD_KNOWN;
    }
    if (!other && log->expelled & UINT64_C(1) << operator_bit(core, operator_number))
        return CORE_WORD_KNOWN;
    if (head->number > log->certified &&
        !core_head_admit(core, log, known, operator_number, core_key_is_own(core, item->key_id), head->number))
        return CORE_WORD_KNOWN;
    equivocation_check(core, log, head->number, head->running,
                       operator_number); /* its second word is kept: the proof */
    core_head_add(core, log, head, item, leaf->path, operator_number);
    return needed ? CORE_WORD_NEWS : CORE_WORD_KNOWN; /* where this relay can join is nobody else's business */
}

/* No more than hashes: the signature is over the root. */
static bool all_lead_to_the_root(const struct proof_item_attestation *item)
{
    struct proof_item_parts parts;
    struct proof_item_leaf leaf;
    struct proof_result result;
    bool all = true;
    proof_item_leaves_init(&parts, item);
    while (all && proof_item_leaves_next(&leaf, &parts)) {
        uint8_t hash[32];
        proof_leaf_hash(hash, item->suite, &leaf.leaf);
        all = proof_merkle_verify(item->suite, item->root, hash, leaf.path, &result) == PROOF_VALID;
    }
    return all;
}

enum core_word core_gather_item(struct relay_core *core, const struct proof_item_attestation *item, uint16_t peer,
                                bool asked)
{
    struct proof_item_parts parts;
    struct proof_item_leaf leaf;
    enum core_word word = CORE_WORD_KNOWN;
    bool news = false;
    uint16_t any_log = 0;
    proof_item_leaves_init(&parts, item);
    while (word != CORE_WORD_FALSE && proof_item_leaves_next(&leaf, &parts)) {
        word = leaf.leaf.kind == PROOF_LEAF_HEAD ? leaf_take(core, item, &leaf, peer, asked) : CORE_WORD_KNOWN;
        if (word != CORE_WORD_NEWS)
            continue;
        news = true;
        any_log = (uint16_t)(core_log_by_id(core, leaf.leaf.head.log) - core->logs);
    }
    /* Others may look at leaves that were of no use here, and would believe that this relay made them up. */
    if (news && word != CORE_WORD_FALSE && all_lead_to_the_root(item)) {
        codec_pack_clear(&core->pack);
        struct proof_item whole = {.type = PROOF_ITEM_ATTESTATION, .attestation = *item};
        if (proof_item_write(&core->pack, &whole))
            core_gossip_queue(core, any_log, peer, codec_pack_bytes(&core->pack));
    }
    return word == CORE_WORD_FALSE ? word : news ? CORE_WORD_NEWS : CORE_WORD_KNOWN;
}

/* ---- certificates --------------------------------------------------------------------------------------------------- */

/* k operators of the epoch signed it; those in `expelled` do not count. */
static bool enough(const struct relay_core *core, const struct core_head *head, const struct topology_epoch *epoch,
                   uint64_t expelled)
{
    uint64_t seen = 0;
    unsigned count = 0;
    for (size_t i = 0; i < head->signers_len; i++) {
        uint16_t number = topology_key_operator(epoch, head->signers[i]->key_id);
        uint64_t bit = number ? UINT64_C(1) << operator_bit(core, number) : 0;
        if (bit == 0 || (seen & bit) || (expelled & bit))
            continue;
        seen |= bit;
        count++;
    }
    return count >= epoch->quorum;
}

static bool certified(const struct relay_core *core, const struct core_log *log, const struct core_head *head,
                      uint64_t expelled)
{
    const struct topology_chain *chain = &core->network->chains[log->target];
    for (size_t back = 0; back < 2 && back < chain->epochs_len; back++) {
        if (enough(core, head, &chain->epochs[chain->epochs_len - 1 - back], expelled))
            return true;
    }
    return false;
}

bool core_gather_stands(const struct relay_core *core, const struct core_log *log, const struct core_head *head)
{
    const struct topology_epoch *newest = core_epoch(core, log);
    if (!head->certified || log->kind == PROOF_LOG_SETTLEMENT || head->number <= log->settled)
        return head->certified;
    return newest == NULL || enough(core, head, newest, log->expelled);
}

bool core_gather_lasts(const struct relay_core *core, const struct core_log *log, const struct core_head *head)
{
    bool one_epoch = core->network->chains[log->target].epochs_len < 2;
    return head->certified && (one_epoch || enough(core, head, core_epoch(core, log), 0));
}

/*
 * Two accepted heads that conflict (DESIGN section 9): k operators signed this one, expelled or not, as an inbox knows nothing
 * of that; and another history at its number is certified here, leads to what is, or was proven by this relay itself.
 */
static bool conflict_freezes(struct relay_core *core, struct core_log *log, const struct core_head *head)
{
    if (!certified(core, log, head, 0))
        return false;
    const uint8_t *ours = core_log_running(core, log, head->number);
    bool differs = ours != NULL && memcmp(ours, head->running, 32) != 0;
    bool two = head->number == log->certified && memcmp(log->certified_running, head->running, 32) != 0;
    for (size_t i = 0; i < log->heads_len && !two; i++)
        two = &log->heads[i] != head && log->heads[i].certified && log->heads[i].number == head->number;
    if (two)
        core_log_freeze(core, log, RELAY_REASON_CERTIFICATES_CONFLICT, head->number,
                        "two certificates for one number: more operators lie than the quorum survives");
    else if (differs && head->number <= log->proven)
        core_log_freeze(core, log, RELAY_REASON_CERTIFICATES_CONFLICT, head->number,
                        "a certificate contradicts what this relay proved itself");
    else if (differs && head->number <= log->reach)
        core_log_freeze(core, log, RELAY_REASON_CERTIFICATES_CONFLICT, head->number,
                        "a certificate contradicts the records that lead to another one");
    return log->frozen;
}

/* A certificate decides between claims; what we proved ourselves it can only confirm. */
static void certificate_take(struct relay_core *core, struct core_log *log, struct core_head *head)
{
    const uint8_t *ours = core_log_running(core, log, head->number);
    head->certified = true;
    if (ours != NULL && memcmp(ours, head->running, 32) != 0) {
        core_note(core, RELAY_WARNING, RELAY_REASON_CLAIM_REPLACED, log, head->number, "claims dropped");
        core_log_truncate(core, log, core_log_confirmed(log)); /* this one may be older than the newest certificate */
    } else if (ours != NULL && head->number > log->reach) {
        log->reach = head->number; /* what leads here is beyond doubt when the next one decides */
    }
    if (head->number > log->certified) {
        log->certified = head->number;
        memcpy(log->certified_running, head->running, 32);
        log->republish = 0;
        core_note(core, RELAY_DEBUG, RELAY_REASON_CERTIFIED, log, head->number, "%s log",
                  proof_log_kind_name((enum proof_log_kind)log->kind));
        if (log->kind == PROOF_LOG_SETTLEMENT) {
            log->settled = log->base = head->number;
            memcpy(log->base_running, head->running, 32);
            log->row_dirty = true;
            core_log_mark(core, log - 1);
        }
    }
}

void core_gather_certify(struct relay_core *core, struct core_log *log)
{
    for (size_t i = 0; i < log->heads_len && !log->frozen; i++) {
        struct core_head *head = &log->heads[i];
        if (!head->certified && !conflict_freezes(core, log, head) && certified(core, log, head, log->expelled))
            certificate_take(core, log, head);
    }
    core_head_prune(core, log);
}

struct core_step core_stage_certify(struct relay_core *core, struct core_log *log)
{
    core_gather_certify(core, log);
    uint64_t top = log->hint > log->stored && log->kind != PROOF_LOG_SETTLEMENT ? log->stored : log->hint;
    return (struct core_step){log->certified < top ? RELAY_CAUSE_QUORUM : RELAY_CAUSE_NONE};
}
