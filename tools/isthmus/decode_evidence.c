/*
 * Evidence of a chain, field by field.
 */
#include <stdlib.h>
#include <string.h>

#include "proofs/codec/connector.h"
#include "proofs/codec/keccak.h"
#include "proofs/codec/pack.h"
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

bool decode_evidence(struct decode_out *out, struct bytes in)
{
    static const struct decode_shape shapes[] = {{DECODE_ARRAY, "evidence", SLOT_EVIDENCE},
                                                 {DECODE_ARRAY, "evidence", RECEIPTS_EVIDENCE},
                                                 {DECODE_ARRAY, "evidence", ICS23_EVIDENCE}};
    struct connector_message message = {0};
    struct connector_scratch *scratch = calloc(1, sizeof *scratch);
    struct codec_unpack unpack;
    const char *where = "evidence";
    out->whole = in;
    out->depth = 0;
    if (scratch == NULL) {
        decode_say(out, in, "refused", "no memory");
        return false;
    }
    bool good = codec_connector_decode(&message, scratch, in, &where);
    if (good && message.type != CONNECTOR_EVIDENCE) {
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
