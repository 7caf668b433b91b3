/* A fixture of tests/check-source. */

enum proof_verdict proof_computed_check(int x)
{
    enum proof_verdict verdict = PROOF_VALID; /* BAD */
    return x ? PROOF_VALID : verdict;         /* BAD */
}
