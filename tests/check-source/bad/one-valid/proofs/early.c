/* A fixture of tests/check-source. */

static enum proof_verdict early(int x)
{
    if (x)
        return PROOF_VALID; /* BAD */
    return PROOF_INVALID;
}
