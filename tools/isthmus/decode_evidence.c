/*
 * Evidence of a chain, field by field.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "proofs/codec/connector.h"
#include "proofs/codec/hex.h"
#include "proofs/codec/keccak.h"
#include "proofs/codec/pack.h"
#include "proofs/cometbft_evidence.h"
#include "tools/isthmus/decode.h"

#define END                                                                                                            \
    {                                                                                                                  \
        DECODE_END, NULL, NULL                                                                                         \
    }

static const struct decode_shape NODE = {DECODE_BIN, "node", NULL};
static const struct decode_shape RECEIPT = {DECODE_BIN, "receipt", NULL};
static const struct decode_shape SLOT_FIELDS[] = {{DECODE_BIN, "slot", NULL}, {DECODE_LIST, "nodes", &NODE}, END};
static const struct decode_shape SLOT = {DECODE_ARRAY, "storage proof", SLOT_FIELDS};
static const struct decode_shape SLOT_PROOF[] = {
    {DECODE_BIN, "account", NULL}, {DECODE_LIST, "account nodes", &NODE}, {DECODE_LIST, "storage proofs", &SLOT}, END};
static const struct decode_shape RECEIPTS_PROOF[] = {
    {DECODE_BIN, "account", NULL}, {DECODE_LIST, "receipts", &RECEIPT}, END};
static const struct decode_shape OPERATIONS = {DECODE_LIST, "proofs of a head", &NODE};
static const struct decode_shape ICS23_PROOF[] = {
    {DECODE_BIN, "account", NULL}, {DECODE_LIST, "heads", &OPERATIONS}, END};
static const struct decode_shape MARK_FIELDS[] = {
    {DECODE_UINT, "watch", NULL}, {DECODE_UINT, "number", NULL}, {DECODE_BIN, "running hash", NULL}, END};
static const struct decode_shape MARK = {DECODE_ARRAY, "mark", MARK_FIELDS};

static const struct decode_shape SLOT_EVIDENCE[] = {{DECODE_UINT, "message type", NULL},
                                                    {DECODE_UINT, "kind (1 slot)", NULL},
                                                    {DECODE_UINT, "height", NULL},
                                                    {DECODE_RLP_HEADER, "header", NULL},
                                                    {DECODE_ARRAY, "proof", SLOT_PROOF},
                                                    {DECODE_LIST, "marks", &MARK},
                                                    END};
static const struct decode_shape RECEIPTS_EVIDENCE[] = {{DECODE_UINT, "message type", NULL},
                                                        {DECODE_UINT, "kind (2 receipts)", NULL},
                                                        {DECODE_UINT, "height", NULL},
                                                        {DECODE_RLP_HEADER, "header", NULL},
                                                        {DECODE_ARRAY, "proof", RECEIPTS_PROOF},
                                                        {DECODE_LIST, "marks", &MARK},
                                                        END};

static const struct decode_shape ICS23_EVIDENCE[] = {{DECODE_UINT, "message type", NULL},
                                                     {DECODE_UINT, "kind (3 ics23)", NULL},
                                                     {DECODE_UINT, "height", NULL},
                                                     {DECODE_BIN, "header bundle", NULL},
                                                     {DECODE_ARRAY, "proof", ICS23_PROOF},
                                                     {DECODE_LIST, "marks", &MARK},
                                                     END};

static const struct decode_shape BUNDLE[] = {{DECODE_UINT, "version", NULL},        {DECODE_BIN, "header", NULL},
                                             {DECODE_BIN, "commit", NULL},          {DECODE_BIN, "validators", NULL},
                                             {DECODE_BIN, "next validators", NULL}, END};

/* A header bundle by itself: what is kept of a header that a source showed. */
static bool decode_bundle(struct decode_out *out, struct bytes in, const struct proof_cometbft_height *bundle)
{
    static const struct decode_shape shape = {DECODE_ARRAY, "header bundle", BUNDLE};
    struct codec_unpack unpack;
    struct cometbft_header header;
    uint8_t hash[32];
    codec_unpack_init(&unpack, in);
    bool good = decode_walk(out, &unpack, &shape) && cometbft_header_read(&header, bundle->block.header) &&
                proof_cometbft_header_hash(hash, &header);
    if (good) {
        decode_say(out, bundle->block.header, "height", "%" PRId64, header.height);
        decode_say(out, bundle->block.header, "time", "%" PRId64, header.time.seconds);
        decode_hash(out, bundle->block.header, "hash of the header", hash);
    }
    decode_say(out, in, "verdict", "%s",
               good ? "well-formed; `isthmus verify cometbft-commit` says who signed it" : "malformed");
    return good;
}

static const struct decode_shape OFFENCE[] = {
    {DECODE_UINT, "message type", NULL}, {DECODE_UINT, "kind (1 double vote)", NULL},
    {DECODE_UINT, "height", NULL},       {DECODE_BIN, "header bundle", NULL},
    {DECODE_BIN, "votes", NULL},         END};

/* A validator that voted twice: what is kept when it was proven, or when it was not. */
static bool decode_offence(struct decode_out *out, struct bytes in, const struct connector_offence *offence)
{
    static const struct decode_shape shape = {DECODE_ARRAY, "offence", OFFENCE};
    struct codec_unpack unpack;
    struct cometbft_double_vote votes;
    codec_unpack_init(&unpack, in);
    bool good = decode_walk(out, &unpack, &shape) && cometbft_double_vote_read(&votes, offence->proof) &&
                votes.a.address.len == COMETBFT_ADDRESS_BYTES;
    if (good) {
        char address[2 * COMETBFT_ADDRESS_BYTES + 1];
        codec_hex_encode(address, votes.a.address);
        decode_say(out, offence->proof, "validator", "%s", address);
        decode_say(out, offence->proof, "step", "height %" PRId64 ", round %" PRId32 ", %s", votes.a.height,
                   votes.a.round, votes.a.type == COMETBFT_PREVOTE ? "prevotes" : "precommits");
        decode_say(out, offence->proof, "power, as it is claimed", "%" PRId64 " of %" PRId64, votes.power,
                   votes.total_power);
    }
    decode_say(out, in, "verdict", "%s",
               good ? "well-formed; `isthmus verify cometbft-votes` judges such" : "malformed");
    return good;
}

bool decode_evidence(struct decode_out *out, struct bytes in)
{
    struct proof_cometbft_height bundle;
    static const struct decode_shape shapes[] = {{DECODE_ARRAY, "evidence", SLOT_EVIDENCE},
                                                 {DECODE_ARRAY, "evidence", RECEIPTS_EVIDENCE},
                                                 {DECODE_ARRAY, "evidence", ICS23_EVIDENCE}};
    struct connector_message message = {0};
    struct connector_scratch *scratch = calloc(1, sizeof *scratch);
    struct codec_unpack unpack;
    const char *where = "evidence";
    out->whole = in;
    out->depth = 0;
    if (proof_cometbft_height_read(&bundle, in)) {
        free(scratch);
        return decode_bundle(out, in, &bundle);
    }
    if (scratch == NULL) {
        decode_say(out, in, "refused", "no memory");
        return false;
    }
    bool good = codec_connector_decode(&message, scratch, in, &where);
    if (good && message.type == CONNECTOR_OFFENCE) {
        good = decode_offence(out, in, &message.offence);
    } else if (good && message.type != CONNECTOR_EVIDENCE) {
        decode_say(out, in, "refused", "this is a message '%s', not evidence", codec_connector_type_name(message.type));
        good = false;
    } else if (!good) {
        decode_say(out, in, "refused", "%s", where != NULL ? where : "malformed");
    } else {
        uint8_t hash[32];
        codec_keccak256(hash, message.evidence.header);
        codec_unpack_init(&unpack, in);
        good = decode_walk(out, &unpack, &shapes[message.evidence.kind - 1]);
        if (message.evidence.kind !=
            CONNECTOR_EVIDENCE_ICS23) /* there the header is a bundle, and its hash a tree's root */
            decode_hash(out, message.evidence.header, "hash of the header", hash);
        decode_say(out, in, "verdict", "%s", good ? "well-formed; `isthmus verify` proves what is in it" : "malformed");
    }
    free(scratch);
    return good;
}
