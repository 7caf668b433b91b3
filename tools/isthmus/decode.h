/*
 * Decoders of `isthmus decode`: untrusted bytes in, one line a field out, each with its offset, length and name. They use
 * the relay's own strict parsers, and show what those accept; what is refused is named, and what could be read before it
 * stays shown. A library of its own, so that tests can feed it anything.
 */
#ifndef ISTHMUS_TOOLS_ISTHMUS_DECODE_H
#define ISTHMUS_TOOLS_ISTHMUS_DECODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "proofs/codec/bytes.h"

enum { DECODE_FILE_MAX = 16 << 20, DECODE_SHOWN_MAX = 32 /* bytes of a value that people see */ };

/* Where fields go: lines for people, or one JSON object a line. */
struct decode_out {
    FILE *stream;
    bool json;
    struct bytes whole; /* offsets count from its start */
    bool rows;          /* of a store: there are no offsets */
    unsigned depth;
    size_t fields;   /* said so far */
    uint64_t number; /* the last one of decode_walk */
};

/* One field: the bytes that hold it (borrowed from out->whole), its name, and what it means. */
__attribute__((format(printf, 4, 5))) void decode_say(struct decode_out *out, struct bytes raw, const char *name,
                                                      const char *format, ...);
/* A field whose value is its bytes, in hex: all with JSON, else the first DECODE_SHOWN_MAX and how many there are. */
void decode_hex(struct decode_out *out, struct bytes raw, const char *name, struct bytes value);
/* The same, as hex of 32 bytes that were copied out of raw. */
void decode_hash(struct decode_out *out, struct bytes raw, const char *name, const uint8_t hash[32]);

/* A msgpack value with names: what is inside an array of fixed length, or of every element of a list. */
struct decode_shape {
    enum { DECODE_END, DECODE_UINT, DECODE_BIN, DECODE_ARRAY, DECODE_LIST, DECODE_RLP_HEADER, DECODE_LEAF } kind;
    const char *name;
    const struct decode_shape *inside; /* ARRAY: its elements, ended by END; LIST: the one shape of all */
};

struct codec_unpack;

/* Walks one value at the cursor. False when it does not have the shape; what came before was said. */
bool decode_walk(struct decode_out *out, struct codec_unpack *in, const struct decode_shape *shape);

/* A frame between relays (docs/formats.md 6.1). False: refused, and said why. */
bool decode_frame(struct decode_out *out, struct bytes in);

/* Evidence of an EVM chain: one connector message 12 (docs/connector-protocol.md). False: refused, and said why. */
bool decode_evidence(struct decode_out *out, struct bytes in);

/* Records of a range: messages or outcomes, whichever they are. */
void decode_records(struct decode_out *out, struct bytes records, uint64_t from, unsigned count);

struct store;

/* Rows of a store (relay/store/keys.h): of one family, or of all when family is NULL; at most `limit` of each. False: a
 * damaged row, or the store failed; it was said. */
bool decode_store(struct decode_out *out, struct store *store, const char *family, size_t limit);

#endif
