/*
 * Inside of `isthmus verify`: one function for each kind of evidence.
 */
#ifndef ISTHMUS_TOOLS_VERIFY_KINDS_H
#define ISTHMUS_TOOLS_VERIFY_KINDS_H

#include <stddef.h>

#include "proofs/proof.h"
#include "tools/verify/json.h"

/* One call of a verifier. `facts` is an object to be filled with what was proven. */
struct tools_verify_case {
    struct tools_json_doc *trusted;
    struct tools_json_doc *const *evidence; /* one file, or all of them for a kind that joins them */
    size_t evidence_count;
    struct proof_result result;
    const char *part; /* what result.at counts; NULL: the verifier's header says */
    struct tools_json *facts;
};

/* Reads its fields from the documents, whose errors say when they do not fit, and asks the verifier. */
typedef enum proof_verdict tools_verify_kind(struct tools_verify_case *c);

tools_verify_kind tools_verify_eth_header;
tools_verify_kind tools_verify_eth_account;
tools_verify_kind tools_verify_eth_storage;
tools_verify_kind tools_verify_eth_receipts;
tools_verify_kind tools_verify_mpt;
tools_verify_kind tools_verify_agreement;
tools_verify_kind tools_verify_certificate;
tools_verify_kind tools_verify_cometbft_header;
tools_verify_kind tools_verify_cometbft_commit;
tools_verify_kind tools_verify_cometbft_votes;
tools_verify_kind tools_verify_ics23;

#endif
