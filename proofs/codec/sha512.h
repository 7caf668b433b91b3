/*
 * SHA-512 of many short messages at once, side by side in the lanes of vector registers (4 with AVX2, 8 with AVX-512).
 */
#ifndef ISTHMUS_PROOFS_CODEC_SHA512_H
#define ISTHMUS_PROOFS_CODEC_SHA512_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proofs/codec/bytes.h"

enum { CODEC_SHA512_PARTS = 3 };

/* One hash, of parts[0] || parts[1] || parts[2], to 64 bytes, which must not overlap the parts of any job of the call. */
struct codec_sha512_job {
    uint8_t *out;
    struct bytes parts[CODEC_SHA512_PARTS];
};

/* How many go side by side here: 1, 4 or 8. */
size_t codec_sha512_lanes(void);

/* Does all jobs, `lanes` at a time (1, 4 or 8; when there are not that many here, one at a time). False, outputs unspecified, when the library
 * refuses. */
bool codec_sha512_jobs_by(size_t lanes, const struct codec_sha512_job *jobs, size_t count);

#endif
