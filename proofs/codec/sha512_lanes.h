/* Inside of the SHA-512 files only. */
#ifndef ISTHMUS_PROOFS_CODEC_SHA512_LANES_H
#define ISTHMUS_PROOFS_CODEC_SHA512_LANES_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "proofs/codec/sha512.h"

#if defined(__x86_64__) && defined(__GNUC__)
#define SHA512_HAVE_LANES 1
#endif

extern const uint64_t CODEC_SHA512_ROUND[80];
extern const uint64_t CODEC_SHA512_START[8];

/* A job as padded blocks. */
struct sha512_feed {
    const struct codec_sha512_job *job;
    size_t total, blocks;
};

void codec_sha512_feed_init(struct sha512_feed *feed, const struct codec_sha512_job *job);

/* Block `number` of feed->blocks. */
void codec_sha512_feed_block(uint8_t block[128], const struct sha512_feed *feed, size_t number);

void codec_sha512_avx2(const struct codec_sha512_job *jobs, size_t count);
void codec_sha512_avx512(const struct codec_sha512_job *jobs, size_t count);

#endif
