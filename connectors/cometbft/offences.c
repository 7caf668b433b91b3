/*
 * Evidence of misbehaviour that blocks carry (offences.h).
 */
#include "connectors/cometbft/offences.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "connectors/cometbft/cometbft.h"
#include "connectors/cometbft/parse.h"

enum {
    HEIGHTS_MAX = 20, /* headers in one /blockchain answer; so far back it looks at its start */
    FOUND_MAX = 16,   /* pieces of evidence of one block; a block has one at most for each validator and step */
};

/* One proven in a block, on its way: its height's header is fetched, then it is said. */
struct found {
    struct cometbft *cometbft;
    uint64_t height;
    size_t len;
    uint8_t bytes[CODEC_CONNECTOR_OFFENCE_MAX];
};

struct cometbft_offences {
    struct cometbft *cometbft;
    bool begun, busy;
    uint64_t seen;                 /* headers up to here were looked at */
    uint64_t to;                   /* those up to here are being looked at */
    uint64_t heights[HEIGHTS_MAX]; /* of blocks that carry evidence, ascending */
    size_t heights_len, at;
};

struct cometbft_offences *cometbft_offences_new(struct cometbft *cometbft)
{
    struct cometbft_offences *offences = calloc(1, sizeof *offences);
    if (offences)
        offences->cometbft = cometbft;
    return offences;
}

void cometbft_offences_free(struct cometbft_offences *offences)
{
    free(offences);
}

static void header_fetched(void *context, const struct cometbft_light *light, const char *text)
{
    struct found *found = context;
    struct cometbft *cometbft = found->cometbft;
    if (!light) {
        connector_log(cometbft->connector, "a double vote at height %" PRIu64 " is not told: %s", found->height, text);
    } else if (!cometbft->stopped) {
        const struct connector_message message = {.type = CONNECTOR_OFFENCE,
                                                  .offence = {.kind = CONNECTOR_OFFENCE_DOUBLE_VOTE,
                                                              .height = light->height,
                                                              .header = light->bundle,
                                                              .proof = {found->bytes, found->len}}};
        if (connector_send(cometbft->connector, &message) != SDK_SENT)
            connector_log(cometbft->connector,
                          "a double vote at height %" PRIu64 " is not told: the relay does not read", found->height);
    }
    free(found);
}

static void tell(struct cometbft *cometbft, const struct cometbft_double_vote *evidence)
{
    struct found *found = calloc(1, sizeof *found);
    struct codec_writer writer;
    if (!found)
        return;
    *found = (struct found){.cometbft = cometbft, .height = (uint64_t)evidence->a.height};
    codec_writer_init(&writer, found->bytes, sizeof found->bytes);
    cometbft_double_vote_write(&writer, evidence);
    found->len = codec_writer_bytes(&writer).len;
    if (writer.failed || found->len == 0)
        free(found);
    else
        cometbft_lights_want(cometbft->lights, found->height, header_fetched, found);
}

static void next(struct cometbft_offences *offences);

static void block_told(void *context, const struct sdk_rpc_answer *answer)
{
    struct cometbft_offences *offences = context;
    if (answer->status != SDK_RPC_OK) {
        offences->busy = false; /* the next look begins again */
        return;
    }
    const struct sdk_json *block = sdk_json_member(answer->replies[0].result, "block");
    const struct sdk_json *list = sdk_json_member(sdk_json_member(block, "evidence"), "evidence");
    for (size_t i = 0; !answer->replies[0].is_error && i < sdk_json_length(list) && i < FOUND_MAX; i++) {
        struct cometbft_double_vote evidence;
        if (cometbft_parse_double_vote(&evidence, sdk_json_element(list, i), answer->arena))
            tell(offences->cometbft, &evidence);
    }
    offences->at++;
    next(offences);
}

/* Blocks one after another; then what came meanwhile. */
static void next(struct cometbft_offences *offences)
{
    struct sdk_rpc_request request;
    if (offences->at == offences->heights_len) {
        offences->seen = offences->to;
        offences->busy = false;
        cometbft_offences_look(offences);
        return;
    }
    sdk_rpc_begin(&request);
    sdk_rpc_add(&request, "block", "{\"height\":\"%" PRIu64 "\"}", offences->heights[offences->at]);
    sdk_rpc_send(offences->cometbft->rpc, &request, block_told, offences);
}

static void metas_told(void *context, const struct sdk_rpc_answer *answer)
{
    struct cometbft_offences *offences = context;
    if (answer->status != SDK_RPC_OK) {
        offences->busy = false;
        return;
    }
    /* Newest first. Blocks that a node no longer has are passed over: who keeps them tells. */
    const struct sdk_json *metas = sdk_json_member(answer->replies[0].result, "block_metas");
    for (size_t i = answer->replies[0].is_error ? 0 : sdk_json_length(metas); i-- > 0;) {
        const struct sdk_json *header = sdk_json_member(sdk_json_element(metas, i), "header");
        int64_t height = 0;
        if (offences->heights_len < HEIGHTS_MAX && sdk_json_decimal(&height, sdk_json_member(header, "height")) &&
            (uint64_t)height > offences->seen && (uint64_t)height <= offences->to &&
            cometbft_parse_has_evidence(sdk_json_member(header, "evidence_hash"), answer->arena))
            offences->heights[offences->heights_len++] = (uint64_t)height;
    }
    next(offences);
}

void cometbft_offences_header(struct cometbft_offences *offences, const struct cometbft_light *light)
{
    if (!offences->busy && offences->begun && light->height == offences->seen + 1 && !light->evidence)
        offences->seen = light->height;
}

void cometbft_offences_look(struct cometbft_offences *offences)
{
    struct cometbft *cometbft = offences->cometbft;
    struct sdk_rpc_request request;
    if (!offences->begun && cometbft->newest) {
        offences->begun = true;
        offences->seen = cometbft->newest > HEIGHTS_MAX ? cometbft->newest - HEIGHTS_MAX : 0;
    }
    if (offences->busy || cometbft->newest <= offences->seen || !cometbft_may_ask(cometbft))
        return;
    offences->busy = true;
    offences->heights_len = offences->at = 0;
    const uint64_t left = cometbft->newest - offences->seen;
    offences->to = offences->seen + (left < HEIGHTS_MAX ? left : HEIGHTS_MAX);
    sdk_rpc_begin(&request);
    sdk_rpc_add(&request, "blockchain", "{\"minHeight\":\"%" PRIu64 "\",\"maxHeight\":\"%" PRIu64 "\"}",
                offences->seen + 1, offences->to);
    sdk_rpc_send(cometbft->rpc, &request, metas_told, offences);
}
