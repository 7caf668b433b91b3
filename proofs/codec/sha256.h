/*
 * SHA-256 (FIPS 180-4) for proofs: nothing is allocated, and a hash of a few dozen bytes costs its blocks and no more.
 *
 * Plain C, or the processor's own SHA instructions where it has them, chosen at run time; the results are the same bit for bit.
 */
#ifndef ISTHMUS_PROOFS_CODEC_SHA256_H
#define ISTHMUS_PROOFS_CODEC_SHA256_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proofs/codec/bytes.h"

/* The hash of parts[0] || parts[1] || … out may overlap the parts. */
void codec_sha256(uint8_t out[32], const struct bytes *parts, size_t count);

/* Two hashes that do not depend on each other: out[i] of in[i].parts. As quick as little more than one where both are short and of as many blocks, for one
 * hash keeps the processor waiting for itself. out may overlap the parts. */
struct codec_sha256_input {
    const struct bytes *parts;
    size_t count;
};
void codec_sha256_two(uint8_t out[2][32], const struct codec_sha256_input in[2]);

/* The ways to do it, for tests and benchmarks. */
enum codec_sha256_path { CODEC_SHA256_PORTABLE = 0, CODEC_SHA256_SHANI };

/* True when this build and this processor can run the path. */
bool codec_sha256_path_usable(enum codec_sha256_path path);

/* The same by one path, which must be usable. */
void codec_sha256_by(enum codec_sha256_path path, uint8_t out[32], const struct bytes *parts, size_t count);
void codec_sha256_two_by(enum codec_sha256_path path, uint8_t out[2][32], const struct codec_sha256_input in[2]);

#endif
