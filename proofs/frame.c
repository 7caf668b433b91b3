/* Frame headers and signatures; items are in item.c. */
#include "proofs/frame.h"

#include <string.h>

#include "proofs/codec/sodium.h"

static const uint8_t magic[4] = {'I', 'S', 'T', 'H'};

/* A msgpack array header takes 1 byte up to 15 elements, 3 up to 65,535. */
#define ARRAY_HEADER_MAX 3
#define ROOM_BEFORE      (PROOF_FRAME_HEADER_BYTES + ARRAY_HEADER_MAX)

static bool kind_known(uint64_t kind)
{
    return kind >= PROOF_FRAME_PUBLISH && kind <= PROOF_FRAME_RESPONSE;
}

bool proof_frame_read(struct proof_frame *frame, struct bytes in, struct proof_result *result)
{
    struct codec_reader reader;
    enum proof_reason reason = PROOF_REASON_VALID;
    struct proof_frame read = {.whole = in};
    memset(frame, 0, sizeof *frame);
    codec_reader_init(&reader, in);
    struct bytes start = codec_read_bytes(&reader, sizeof magic);
    (void)codec_read_u8(&reader); /* the version: see below */
    uint8_t kind = codec_read_u8(&reader);
    uint16_t reserved = codec_read_u16(&reader);
    codec_read_copy(read.network, &reader, 32);
    codec_read_copy(read.sender, &reader, 32);
    codec_read_copy(read.audience, &reader, 32);
    read.counter = codec_read_u64(&reader);
    uint32_t body_len = codec_read_u32(&reader);
    read.body = codec_read_bytes(&reader, body_len);
    (void)codec_read_bytes(&reader, PROOF_FRAME_SIGNATURE_BYTES);
    read.kind = (enum proof_frame_kind)kind;
    if (start.len != sizeof magic || memcmp(start.data, magic, sizeof magic) != 0)
        reason = PROOF_REASON_FRAME_MAGIC;
    else if (in.len > sizeof magic && in.data[sizeof magic] != PROOF_FRAME_VERSION)
        reason = PROOF_REASON_FRAME_VERSION; /* before the size: another version may be laid out in another way */
    else if (!codec_reader_done(&reader) || body_len == 0 || body_len > PROOF_FRAME_BODY_MAX)
        reason = PROOF_REASON_FRAME_SIZE;
    else if (!kind_known(kind))
        reason = PROOF_REASON_FRAME_KIND;
    else if (reserved != 0)
        reason = PROOF_REASON_FRAME_RESERVED;
    if (reason != PROOF_REASON_VALID)
        return proof_refuse(result, reason, 0) != PROOF_INVALID;
    *frame = read;
    proof_accept(result);
    return true;
}

/* What the sender signs: the frame without its signature. */
static bool signed_hash(uint8_t out[32], struct bytes unsigned_frame)
{
    struct bytes parts[] = {{proof_tag_bytes(PROOF_TAG_FRAME), PROOF_TAG_BYTES}, unsigned_frame};
    return codec_sodium_blake2b256(out, parts, 2);
}

enum proof_verdict proof_frame_verify(const struct proof_frame *frame, struct proof_result *result)
{
    uint8_t message[32];
    size_t at = frame->whole.len - PROOF_FRAME_SIGNATURE_BYTES;
    if (!kind_known((uint64_t)frame->kind))
        return proof_refuse(result, PROOF_REASON_BAD_ARGUMENT, 0);
    if (!proof_items_check(frame->body, result))
        return PROOF_INVALID;
    if (!signed_hash(message, codec_bytes_slice(frame->whole, 0, at)) ||
        !codec_sodium_ed25519_verify(frame->sender, BYTES_OF(message), frame->whole.data + at))
        return proof_refuse(result, PROOF_REASON_SIGNATURE_WRONG, 0);
    proof_accept(result);
    return PROOF_VALID;
}

/* ---- writing ---- */

void proof_frame_writer_init(struct proof_frame_writer *writer, size_t max)
{
    size_t most = max < PROOF_FRAME_BYTES_MAX ? max : PROOF_FRAME_BYTES_MAX;
    /* The longest array header is reserved, though most frames need a shorter one. */
    codec_pack_init(&writer->pack, most);
    writer->items = 0;
}

void proof_frame_writer_fini(struct proof_frame_writer *writer)
{
    codec_pack_fini(&writer->pack);
    writer->items = 0;
}

size_t proof_frame_room(const struct proof_frame_writer *writer)
{
    size_t used = writer->items == 0 ? ROOM_BEFORE : writer->pack.len;
    size_t whole = used + PROOF_FRAME_SIGNATURE_BYTES;
    return whole < writer->pack.max ? writer->pack.max - whole : 0;
}

/* Before the first item: room for header and array header, so that nothing is moved at the end. */
static bool begin(struct proof_frame_writer *writer)
{
    if (writer->items == PROOF_FRAME_ITEMS_MAX)
        return false;
    if (writer->items > 0)
        return true;
    codec_pack_clear(&writer->pack);
    return codec_pack_reserve(&writer->pack, ROOM_BEFORE) != NULL;
}

/* Keeps what was added since `from`, or takes it back when it failed or leaves no room for the signature. */
static bool keep(struct proof_frame_writer *writer, size_t from, bool added)
{
    if (added && !writer->pack.failed && writer->pack.max - writer->pack.len >= PROOF_FRAME_SIGNATURE_BYTES) {
        writer->items++;
        return true;
    }
    writer->pack.len = from;
    writer->pack.failed = false;
    return false;
}

bool proof_frame_add(struct proof_frame_writer *writer, const struct proof_item *item)
{
    if (!begin(writer))
        return false;
    size_t from = writer->pack.len;
    return keep(writer, from, proof_item_write(&writer->pack, item));
}

bool proof_frame_add_raw(struct proof_frame_writer *writer, struct bytes raw)
{
    struct proof_item item;
    struct proof_result result;
    if (!proof_item_read(&item, raw, &result) || !begin(writer))
        return false;
    size_t from = writer->pack.len;
    codec_pack_raw(&writer->pack, raw);
    return keep(writer, from, true);
}

/* Writes the frame's header and the array header right before the items; where the frame begins. */
static uint8_t *put_header(struct proof_frame_writer *writer, const struct proof_frame *header,
                           const uint8_t sender[32])
{
    uint8_t array[ARRAY_HEADER_MAX] = {0xdc, (uint8_t)(writer->items >> 8), (uint8_t)writer->items};
    struct bytes array_header = {array, sizeof array};
    if (writer->items <= 15) {
        array[0] = (uint8_t)(0x90 | writer->items);
        array_header.len = 1;
    }
    uint8_t *start = writer->pack.data + ARRAY_HEADER_MAX - array_header.len;
    struct codec_writer out;
    codec_writer_init(&out, start, PROOF_FRAME_HEADER_BYTES + array_header.len);
    codec_write_bytes(&out, BYTES_OF(magic));
    codec_write_u8(&out, PROOF_FRAME_VERSION);
    codec_write_u8(&out, (uint8_t)header->kind);
    codec_write_u16(&out, 0);
    codec_write_bytes(&out, BYTES_OF(header->network));
    codec_write_bytes(&out, (struct bytes){sender, 32});
    codec_write_bytes(&out, BYTES_OF(header->audience));
    codec_write_u64(&out, header->counter);
    codec_write_u32(&out, (uint32_t)(array_header.len + writer->pack.len - ROOM_BEFORE));
    codec_write_bytes(&out, array_header);
    return start;
}

bool proof_frame_finish(struct proof_frame_writer *writer, const struct proof_frame *header, const uint8_t secret[32],
                        struct bytes *out)
{
    uint8_t sender[32];
    uint8_t message[32];
    *out = (struct bytes){0};
    if (writer->items == 0 || !kind_known((uint64_t)header->kind) || !codec_sodium_ed25519_public(sender, secret))
        return false;
    uint8_t *start = put_header(writer, header, sender);
    size_t len = writer->pack.len - (size_t)(start - writer->pack.data);
    uint8_t *signature = codec_pack_reserve(&writer->pack, PROOF_FRAME_SIGNATURE_BYTES);
    writer->items = 0;
    if (!signature)
        return false;
    start = signature - len; /* the reservation may have moved the buffer */
    if (!signed_hash(message, (struct bytes){start, len}) ||
        !codec_sodium_ed25519_sign_with(signature, secret, sender, BYTES_OF(message)))
        return false;
    *out = (struct bytes){start, len + PROOF_FRAME_SIGNATURE_BYTES};
    return true;
}
