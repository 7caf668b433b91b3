/*
 * Texts of verdicts and reasons.
 */
#include "proofs/proof.h"

const char *proof_reason_text(enum proof_reason reason)
{
    static const char *const texts[] = {
#define X(name, text) text,
        PROOF_REASONS(X)
#undef X
    };
    return (size_t)reason < PROOF_REASON_COUNT ? texts[reason] : "unknown";
}

const char *proof_verdict_text(enum proof_verdict verdict)
{
    switch (verdict) {
    case PROOF_INVALID: return "invalid";
    case PROOF_VALID: return "valid";
    case PROOF_NOT_ENOUGH_TRUST: return "not-enough-trust";
    }
    return "unknown";
}

enum proof_verdict proof_refuse(struct proof_result *result, enum proof_reason reason, size_t at)
{
    *result = (struct proof_result){.reason = reason, .at = at};
    return PROOF_INVALID;
}

void proof_accept(struct proof_result *result)
{
    *result = (struct proof_result){.reason = PROOF_REASON_VALID};
}
