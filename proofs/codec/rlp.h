/*
 * RLP (Yellow Paper, appendix B), canonical only: a strict reader over borrowed bytes and a writer into a bounded buffer.
 *
 * The reader is a cursor over a run of items with a sticky error. A list is read as a cursor of its own; the caller
 * walks it and closes it with codec_rlp_end, which is true only when nothing failed and the payload is exactly used up.
 */
#ifndef ISTHMUS_PROOFS_CODEC_RLP_H
#define ISTHMUS_PROOFS_CODEC_RLP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proofs/codec/bytes.h"

/* How deep lists may nest in codec_rlp_check: no Ethereum object comes near it. */
#define CODEC_RLP_DEPTH_MAX 32

struct codec_rlp {
    struct bytes in;
    size_t at;
    bool failed;
};

struct codec_rlp_item {
    bool is_list;
    struct bytes payload; /* without the header */
    struct bytes raw;     /* header and payload */
};

/* A cursor over zero or more items that fill in. */
void codec_rlp_init(struct codec_rlp *rlp, struct bytes in);

/* Reads the next item. False at the end, or on bytes that are not canonical RLP (then rlp->failed is set). The payload
 * of a list is not looked into. */
bool codec_rlp_next(struct codec_rlp_item *item, struct codec_rlp *rlp);

/* True while items remain and nothing failed. */
bool codec_rlp_more(const struct codec_rlp *rlp);

/* True when nothing failed and all bytes were consumed. */
bool codec_rlp_end(const struct codec_rlp *rlp);

/* The next item must be a string; its content. Empty after a failure. */
struct bytes codec_rlp_read_string(struct codec_rlp *rlp);

/* The next item must be a string of exactly len bytes, copied to out (zeros after a failure). */
void codec_rlp_read_fixed(uint8_t *out, struct codec_rlp *rlp, size_t len);

/* The next item must be an integer: a string without leading zeros, of at most 8 (32) bytes; zero is the empty string. */
uint64_t codec_rlp_read_u64(struct codec_rlp *rlp);
void codec_rlp_read_u256(uint8_t out[32], struct codec_rlp *rlp);

/* The next item must be a list: a cursor over its items. Failed, and so is rlp, when it is not. */
struct codec_rlp codec_rlp_read_list(struct codec_rlp *rlp);

/* True when in is exactly one canonical item, all lists inside included, nested at most max_depth
 * (<= CODEC_RLP_DEPTH_MAX) deep. */
bool codec_rlp_check(struct bytes in, size_t max_depth);

/* Writing: into a codec_writer, whose sticky error says whether all fitted. */
void codec_rlp_write_string(struct codec_writer *writer, struct bytes value);
void codec_rlp_write_u64(struct codec_writer *writer, uint64_t value);
/* A big-endian integer of any width; leading zeros are left out. */
void codec_rlp_write_uint(struct codec_writer *writer, struct bytes value);
/* Bytes that already are RLP. */
void codec_rlp_write_raw(struct codec_writer *writer, struct bytes rlp);
/* The header alone of a string of len bytes (not for a single byte below 0x80, which has none) or of a list. */
void codec_rlp_write_string_header(struct codec_writer *writer, size_t len);
void codec_rlp_write_list_header(struct codec_writer *writer, size_t len);

/* A list: mark = begin, write the items, end. Its header is put in front of the items when their length is known. */
size_t codec_rlp_list_begin(const struct codec_writer *writer);
void codec_rlp_list_end(struct codec_writer *writer, size_t mark);

#endif
