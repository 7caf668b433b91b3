/*
 * Frames and items. An input is read as a frame, and as a frame's body: whatever is accepted is written again and must give
 * the same bytes, and an accepted body must iterate to its end.
 */
#include <assert.h>
#include <string.h>

#include "proofs/frame.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void walk_parts(const struct proof_item *item)
{
    struct proof_item_parts parts;
    struct proof_item_leaf leaf;
    struct proof_item_log log;
    size_t count = 0;
    if (item->type == PROOF_ITEM_ATTESTATION) {
        proof_item_leaves_init(&parts, &item->attestation);
        while (proof_item_leaves_next(&leaf, &parts))
            count++;
        assert(count == item->attestation.count && codec_unpack_done(&parts.in));
    }
    if (item->type == PROOF_ITEM_HEARTBEAT) {
        proof_item_logs_init(&parts, &item->heartbeat);
        while (proof_item_logs_next(&log, &parts))
            count++;
        assert(count == item->heartbeat.count && codec_unpack_done(&parts.in));
    }
}

static void walk(const struct proof_frame *frame)
{
    struct proof_result result;
    struct proof_items items;
    struct proof_item item;
    struct codec_pack pack;
    if (!proof_items_check(frame->body, &result))
        return;
    codec_pack_init(&pack, PROOF_FRAME_BODY_MAX);
    proof_items_init(&items, frame);
    codec_pack_array(&pack, items.left);
    while (proof_items_next(&item, &items)) {
        walk_parts(&item);
        bool written = proof_item_write(&pack, &item);
        assert(written);
        (void)written;
    }
    assert(codec_bytes_equal(codec_pack_bytes(&pack), frame->body));
    codec_pack_fini(&pack);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct proof_frame frame;
    struct proof_result result;
    struct proof_frame body_only = {.kind = PROOF_FRAME_PUBLISH, .body = {data, size}};
    if (proof_frame_read(&frame, (struct bytes){data, size}, &result)) {
        walk(&frame);
        (void)proof_frame_verify(&frame, &result);
    }
    walk(&body_only);
    return 0;
}
