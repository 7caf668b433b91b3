/*
 * msgpack: a strict cursor over borrowed bytes, and a writer into a buffer that grows up to a bound.
 *
 * One value has one encoding here: every number, length and count is in its shortest form (the library's own reader does not
 * tell forms apart, so the cursor is ours). Floats, extensions and timestamps do not exist. Errors are sticky: after the
 * first one every read gives zero or an empty view and every write does nothing, so a decoder may read all its
 * fields and ask once, at the end.
 */
#ifndef ISTHMUS_PROOFS_CODEC_PACK_H
#define ISTHMUS_PROOFS_CODEC_PACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proofs/codec/bytes.h"

/* How deep arrays and maps may nest in codec_unpack_skip and codec_unpack_check. */
#define CODEC_PACK_DEPTH_MAX 8

enum codec_pack_type {
    CODEC_PACK_NONE = 0, /* at the end, after a failure, or a byte that starts no value known here */
    CODEC_PACK_NIL,
    CODEC_PACK_BOOL,
    CODEC_PACK_UINT,
    CODEC_PACK_INT, /* negative */
    CODEC_PACK_STR,
    CODEC_PACK_BIN,
    CODEC_PACK_ARRAY,
    CODEC_PACK_MAP,
};

/* ---- reading ---- */

/* `failed` and `at` (offset of the next value, or of the one that failed) may be read; the rest is private. */
struct codec_unpack {
    struct bytes in;
    size_t at;
    bool failed;
};

void codec_unpack_init(struct codec_unpack *unpack, struct bytes in);

/* The type of the next value, without reading it. */
enum codec_pack_type codec_unpack_peek(const struct codec_unpack *unpack);

/* An array or map header; fails when it announces more than max elements (pairs), or more than bytes are left for. The
 * caller then reads that many elements (twice as many for a map: key, value, key, value …). */
uint32_t codec_unpack_array(struct codec_unpack *unpack, uint32_t max);
uint32_t codec_unpack_map(struct codec_unpack *unpack, uint32_t max);
/* An array of exactly count elements. */
void codec_unpack_array_exact(struct codec_unpack *unpack, uint32_t count);

/* An unsigned integer of at most max. */
uint64_t codec_unpack_uint(struct codec_unpack *unpack, uint64_t max);
/* A signed integer; values from 0 on must be encoded as unsigned ones, and fit. */
int64_t codec_unpack_int(struct codec_unpack *unpack);
bool codec_unpack_bool(struct codec_unpack *unpack);
void codec_unpack_nil(struct codec_unpack *unpack);
/* Binary and text of at most max bytes, borrowed. Text is not checked to be UTF-8. */
struct bytes codec_unpack_bin(struct codec_unpack *unpack, size_t max);
struct bytes codec_unpack_str(struct codec_unpack *unpack, size_t max);
/* Binary of exactly len bytes, copied to out (zeros after a failure). */
void codec_unpack_bin_exact(uint8_t *out, struct codec_unpack *unpack, size_t len);

/* Passes over one whole value of any type, at most CODEC_PACK_DEPTH_MAX deep; its bytes. */
struct bytes codec_unpack_skip(struct codec_unpack *unpack);

/* Notes a failure that the caller found in a value's meaning. */
void codec_unpack_fail(struct codec_unpack *unpack);

/* True when nothing failed and all bytes were consumed: the only way to accept an input. */
bool codec_unpack_done(const struct codec_unpack *unpack);

/* True when in is exactly one value in its one encoding, at most CODEC_PACK_DEPTH_MAX deep. */
bool codec_unpack_check(struct bytes in);

/* ---- writing ---- */

/* `data`, `len` and `failed` may be read. */
struct codec_pack {
    uint8_t *data; /* owned */
    size_t len;
    size_t cap;
    size_t max;
    bool failed;
};

/* An empty writer that holds at most max bytes. Allocates nothing yet. */
void codec_pack_init(struct codec_pack *pack, size_t max);
/* Frees the buffer; the writer is empty again and may be used again with the same bound. */
void codec_pack_fini(struct codec_pack *pack);
/* Empties the writer and clears a failure, keeping the memory. */
void codec_pack_clear(struct codec_pack *pack);

/* A write that would pass the bound, or for which there is no memory, writes nothing and sets failed. */
void codec_pack_array(struct codec_pack *pack, uint32_t count);
void codec_pack_map(struct codec_pack *pack, uint32_t pairs);
void codec_pack_uint(struct codec_pack *pack, uint64_t value);
void codec_pack_int(struct codec_pack *pack, int64_t value);
void codec_pack_bool(struct codec_pack *pack, bool value);
void codec_pack_nil(struct codec_pack *pack);
void codec_pack_bin(struct codec_pack *pack, struct bytes value);
void codec_pack_str(struct codec_pack *pack, const char *text);
void codec_pack_str_bytes(struct codec_pack *pack, struct bytes text);
/* Bytes as they are: values that are already encoded, or what stands before and after them. */
void codec_pack_raw(struct codec_pack *pack, struct bytes bytes);
/* Room for len bytes, to be filled by the caller at once; NULL when failed. */
uint8_t *codec_pack_reserve(struct codec_pack *pack, size_t len);

/* What was written, borrowed until the next write; an empty view after a failure. */
struct bytes codec_pack_bytes(const struct codec_pack *pack);

#endif
