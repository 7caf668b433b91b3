/*
 * Agreement of configured sources. Every statement is checked before any is counted.
 */
#include "proofs/agreement.h"

#include <stdbool.h>
#include <string.h>

static bool tags_differ(const struct proof_agreement_source *a, const struct proof_agreement_source *b)
{
    return !codec_bytes_equal(a->operator_tag, b->operator_tag) && !codec_bytes_equal(a->network_tag, b->network_tag) &&
           !codec_bytes_equal(a->software_tag, b->software_tag);
}

static bool trust_is_usable(const struct proof_agreement_trust *trust)
{
    if (trust->chain.len == 0 || trust->source_count > PROOF_AGREEMENT_SOURCES_MAX)
        return false;
    for (size_t i = 0; i < trust->source_count; i++) {
        const struct proof_agreement_source *source = &trust->sources[i];
        if (source->operator_tag.len == 0 || source->network_tag.len == 0 || source->software_tag.len == 0)
            return false;
    }
    return trust->demanded >= 1 && trust->demanded <= trust->source_count;
}

/* The largest set of pairwise distinct sources among `left`. distinct[i] has a bit for each source that differs from i in
 * all tags. Either source i (the lowest) is in the set, or it is not: far below 2^16 steps, at most 16 deep. */
static size_t largest(const uint32_t distinct[PROOF_AGREEMENT_SOURCES_MAX], uint32_t left)
{
    if (left == 0)
        return 0;
    unsigned lowest = (unsigned)__builtin_ctz(left);
    uint32_t others = left & (left - 1);
    size_t with = 1 + largest(distinct, others & distinct[lowest]);
    if ((others & ~distinct[lowest]) == 0)
        return with; /* it excludes nothing */
    size_t without = largest(distinct, others);
    return with > without ? with : without;
}

size_t proof_agreement_independent(const struct proof_agreement_trust *trust, uint32_t members)
{
    uint32_t distinct[PROOF_AGREEMENT_SOURCES_MAX] = {0};
    if (trust->source_count > PROOF_AGREEMENT_SOURCES_MAX || members >> trust->source_count != 0)
        return 0;
    for (size_t i = 0; i < trust->source_count; i++)
        for (size_t j = 0; j < trust->source_count; j++)
            if (tags_differ(&trust->sources[i], &trust->sources[j]))
                distinct[i] |= UINT32_C(1) << j;
    return largest(distinct, members);
}

/* Every statement is of a configured source about this chain and height, and all name one hash. */
static enum proof_reason check_statements(size_t *at, uint32_t *members, const struct proof_agreement_trust *trust,
                                          uint64_t height, const struct proof_agreement_statement *statements,
                                          size_t count)
{
    bool contradiction = false;
    size_t contradicting = 0;
    for (*at = 0; *at < count; ++*at) {
        const struct proof_agreement_statement *statement = &statements[*at];
        if (statement->source >= trust->source_count)
            return PROOF_REASON_AGREEMENT_UNKNOWN_SOURCE;
        if (!codec_bytes_equal(statement->chain, trust->chain))
            return PROOF_REASON_AGREEMENT_OTHER_CHAIN;
        if (statement->height != height)
            return PROOF_REASON_AGREEMENT_OTHER_HEIGHT;
        if (codec_bytes_are_zero(statement->header_hash, 32))
            return PROOF_REASON_AGREEMENT_STATEMENT;
        bool differs = memcmp(statement->header_hash, statements[0].header_hash, 32) != 0;
        uint32_t bit = UINT32_C(1) << statement->source;
        if ((*members & bit) != 0 && !differs)
            return PROOF_REASON_AGREEMENT_DUPLICATE;
        if (differs && !contradiction) {
            contradiction = true;
            contradicting = *at;
        }
        *members |= bit;
    }
    *at = contradicting;
    return contradiction ? PROOF_REASON_AGREEMENT_CONTRADICTION : PROOF_REASON_VALID;
}

enum proof_verdict proof_agreement_verify(struct proof_result *result, struct proof_agreement_fact *fact,
                                          const struct proof_agreement_trust *trust, uint64_t height,
                                          const struct proof_agreement_statement *statements, size_t statement_count)
{
    uint32_t members = 0;
    size_t at;
    memset(fact, 0, sizeof *fact);
    if (!trust_is_usable(trust))
        return proof_refuse(result, PROOF_REASON_AGREEMENT_TRUST, 0);
    if (statement_count > 2 * PROOF_AGREEMENT_SOURCES_MAX)
        return proof_refuse(result, PROOF_REASON_TOO_LARGE, statement_count);
    enum proof_reason reason = check_statements(&at, &members, trust, height, statements, statement_count);
    if (reason != PROOF_REASON_VALID)
        return proof_refuse(result, reason, at);
    size_t independent = proof_agreement_independent(trust, members);
    if (independent < trust->demanded)
        return proof_refuse(result, PROOF_REASON_AGREEMENT_TOO_FEW, independent);
    fact->height = height;
    memcpy(fact->header_hash, statements[0].header_hash, 32);
    fact->independent = independent;
    proof_accept(result);
    return PROOF_VALID;
}
