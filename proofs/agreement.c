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

/* Every statement is of a configured source about this chain and height, and no source speaks twice. */
static enum proof_reason check_statements(size_t *at, const struct proof_agreement_trust *trust, uint64_t height,
                                          const struct proof_agreement_statement *statements, size_t count)
{
    uint32_t members = 0;
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
        if ((members & (UINT32_C(1) << statement->source)) != 0)
            return PROOF_REASON_AGREEMENT_DUPLICATE;
        members |= UINT32_C(1) << statement->source;
    }
    return PROOF_REASON_VALID;
}

/* The sources that gave the hash of statements[at], as bits, and how many gave it. */
static uint32_t members_of(size_t *said, const struct proof_agreement_statement *statements, size_t count, size_t at)
{
    uint32_t members = 0;
    *said = 0;
    for (size_t i = 0; i < count; i++) {
        if (memcmp(statements[i].header_hash, statements[at].header_hash, 32) != 0)
            continue;
        members |= UINT32_C(1) << statements[i].source;
        ++*said;
    }
    return members;
}

enum proof_verdict proof_agreement_verify(struct proof_result *result, struct proof_agreement_fact *fact,
                                          const struct proof_agreement_trust *trust, uint64_t height,
                                          const struct proof_agreement_statement *statements, size_t statement_count)
{
    struct proof_agreement_fact found = {.height = height};
    size_t at, most = 0, first_other = 0;
    memset(fact, 0, sizeof *fact);
    if (!trust_is_usable(trust))
        return proof_refuse(result, PROOF_REASON_AGREEMENT_TRUST, 0);
    if (statement_count > PROOF_AGREEMENT_SOURCES_MAX)
        return proof_refuse(result, PROOF_REASON_TOO_LARGE, statement_count);
    enum proof_reason reason = check_statements(&at, trust, height, statements, statement_count);
    if (reason != PROOF_REASON_VALID)
        return proof_refuse(result, reason, at);
    for (size_t i = 0; i < statement_count; i++) {
        size_t said;
        size_t independent = proof_agreement_independent(trust, members_of(&said, statements, statement_count, i));
        most = independent > most ? independent : most;
        if (first_other == 0 && memcmp(statements[i].header_hash, statements[0].header_hash, 32) != 0)
            first_other = i;
        bool same = memcmp(statements[i].header_hash, found.header_hash, 32) == 0;
        if (independent < trust->demanded || same)
            continue;
        /* Two hashes with enough sources each: the demand is too low for this chain, or it forked past finality. */
        if (found.independent > 0)
            return proof_refuse(result, PROOF_REASON_AGREEMENT_CONTRADICTION, i);
        memcpy(found.header_hash, statements[i].header_hash, 32);
        found.independent = independent;
        found.against = statement_count - said;
    }
    if (found.independent == 0 && first_other > 0)
        return proof_refuse(result, PROOF_REASON_AGREEMENT_CONTRADICTION, first_other);
    if (found.independent == 0)
        return proof_refuse(result, PROOF_REASON_AGREEMENT_TOO_FEW, most);
    *fact = found;
    proof_accept(result);
    return PROOF_VALID;
}
