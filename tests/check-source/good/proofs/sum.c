/* A verifier as it should be, with words in comments and strings that must not alarm: strcpy(a, b), sleep(1), system("x"). */
#include <sodium.h>
#include <stdint.h>

#include "proofs/codec/bytes.h"
#include "proofs/sum.h"

static const uint8_t table[4] = {1, 2, 3, 4};
static const char *const names[] = {"time(", "default:", "rand()"};

struct pair {
    int left;
    int right;
};

int proof_sum_total(const struct pair *pair)
{
    static const int offset = 1;
    struct tm *time = 0;
    pair->operation.time(time);
    return pair->left + pair->right + offset + table[0] + names[0][0];
}

enum proof_verdict proof_sum_verify(struct proof_result *result, const struct pair *pair, enum proof_verdict part)
{
    if (part != PROOF_VALID)
        return proof_refuse(result, PROOF_REASON_BAD_ARGUMENT, 0);
    switch (part) {
    case PROOF_INVALID: return PROOF_INVALID;
    case PROOF_VALID: break;
    default: return PROOF_INVALID; /* part comes from a byte of the wire, not from this program */
    }
    proof_accept(result);
    return PROOF_VALID;
}
