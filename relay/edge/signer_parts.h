/*
 * What the files of the signer's judgement share: signer.c (one log, its guard, the signature), signer_evidence.c (what a request
 * stands on). Nobody else includes it.
 */
#ifndef RELAY_EDGE_SIGNER_PARTS_H
#define RELAY_EDGE_SIGNER_PARTS_H

#include "proofs/codec/connector.h"
#include "proofs/eth_evidence.h"
#include "proofs/frame.h"
#include "relay/core/core.h"
#include "relay/edge/signer.h"

enum {
    EDGE_SIGNER_LEAVES_MAX = RELAY_SIGNING_LOGS_MAX * RELAY_SIGNING_HEADS_MAX,
    EDGE_SIGNER_ANSWER_MAX = 512 * 1024, /* 256 leaves with their paths are a quarter of it */
    EDGE_SIGNER_TEXT = 160
};

/* What came of one log of a request. */
struct judged {
    enum edge_signer_reason reason; /* OK: its heads are among signer->heads */
    bool guard_told;                /* the relay should hear where the guard stands */
    bool heads_left_out;
    struct edge_guard_row row; /* OK: the guard's next row; FROZEN: the row to freeze when `freeze` is set */
    bool advances, freeze;
};

struct edge_signer {
    const struct edge_signer_trust *trust;
    struct edge_guard *guard;
    const struct edge_signer_out *out;
    struct relay_signing_request request;
    struct relay_signing_statement statements[RELAY_SOURCES_MAX];
    struct relay_signing_log logs[RELAY_SIGNING_LOGS_MAX];
    struct connector_scratch scratch;
    struct connector_message evidence;
    struct proof_eth_log_place places[PROOF_ETH_EVIDENCE_LOGS_MAX];
    struct proof_eth_evidence_fact fact;
    struct proof_cometbft_log_place light_places[PROOF_COMETBFT_EVIDENCE_LOGS_MAX];
    struct proof_cometbft_evidence_fact light_fact;
    struct edge_signer_light_call light_call;
    enum proof_suite suite; /* of the request's chain */
    struct judged judged[RELAY_SIGNING_LOGS_MAX];
    struct proof_head heads[EDGE_SIGNER_LEAVES_MAX]; /* to be signed */
    size_t heads_len;
    uint8_t hashes[PROOF_ITEM_LEAVES_MAX][32]; /* of the leaves of one item */
    uint8_t leaves[PROOF_ITEM_LEAVES_MAX][32]; /* their copy, which building a tree uses up */
    struct codec_pack leaves_pack, item_pack;
    uint8_t answer[EDGE_SIGNER_ANSWER_MAX];
    char text[EDGE_SIGNER_TEXT]; /* proofs' reason, where there is one */
};

bool edge_signer_send_end(struct edge_signer *signer, uint64_t id);
bool edge_signer_send_trust(struct edge_signer *signer, uint64_t id, uint16_t chain, uint64_t want);
bool edge_signer_send_refusal(struct edge_signer *signer, uint64_t id, const uint8_t *log,
                              enum edge_signer_reason reason);

/* Judges what the request in signer->request stands on, into signer->fact. */
enum edge_signer_reason edge_signer_verify(struct edge_signer *signer);
/* Judges and answers a header to step to. False as edge_signer_request. */
bool edge_signer_header(struct edge_signer *signer, struct bytes message);

#endif
