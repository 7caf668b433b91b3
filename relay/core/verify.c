/* Verification of evidence as a job. */
#include "relay/core/verify.h"

void relay_verify_run(struct relay_verify_job *job)
{
    job->verdict =
        proof_eth_evidence_verify(&job->result, &job->fact, job->account, job->places, job->places_len, job->evidence);
}
