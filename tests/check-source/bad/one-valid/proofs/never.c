/* A fixture of tests/check-source. */

enum proof_verdict proof_never_verify(struct proof_result *result,
                                      int x)
{ /* BAD */
    return other(result, x);
}
