/* A fixture of tests/check-source. */

enum proof_verdict proof_twice_verify(struct proof_result *result, int x)
{
    if (x)
        return PROOF_VALID; /* BAD */
    proof_accept(result);
    return PROOF_VALID;
}
