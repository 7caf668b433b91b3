/*
 * Keccak-256 with the original padding (0x01), as Ethereum uses it; not SHA3-256.
 *
 * One hash at a time runs plain C. Many independent hashes run side by side in the lanes of vector registers (4 with
 * AVX2, 8 with AVX-512F), chosen at run time; the results are the same bit for bit.
 */
#ifndef ISTHMUS_PROOFS_CODEC_KECCAK_H
#define ISTHMUS_PROOFS_CODEC_KECCAK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proofs/codec/bytes.h"

#define CODEC_KECCAK256_BYTES 32
#define CODEC_KECCAK256_RATE  136

/* The hash of one input. */
void codec_keccak256(uint8_t out[32], struct bytes in);

/* Incremental use: init, any number of updates, one final. Final leaves the context ready for nothing but init. */
struct codec_keccak256 {
    uint64_t state[25];
    uint8_t block[CODEC_KECCAK256_RATE];
    size_t fill;
};

void codec_keccak256_init(struct codec_keccak256 *hash);
void codec_keccak256_update(struct codec_keccak256 *hash, struct bytes in);
void codec_keccak256_final(uint8_t out[32], struct codec_keccak256 *hash);

/* out[i] = hash of in[i] for i < count. out must not overlap the inputs. */
void codec_keccak256_many(uint8_t (*out)[32], const struct bytes *in, size_t count);

/* One hash of head || body: a short prefix (a node or list header) before bytes that need not be copied. */
struct codec_keccak_job {
    uint8_t *out; /* 32 bytes */
    struct bytes head;
    struct bytes body;
};

/* Does all jobs; outputs must not overlap inputs of the same call. */
void codec_keccak256_jobs(const struct codec_keccak_job *jobs, size_t count);

/* The ways to run jobs, for tests and benchmarks. */
enum codec_keccak_path {
    CODEC_KECCAK_PORTABLE = 0,
    CODEC_KECCAK_AVX2,
    CODEC_KECCAK_AVX512,
};

/* True when this build and this processor can run the path. */
bool codec_keccak_path_usable(enum codec_keccak_path path);

/* The path that codec_keccak256_jobs takes here. */
enum codec_keccak_path codec_keccak_path_best(void);

/* Does all jobs by one path, which must be usable. */
void codec_keccak256_jobs_by(enum codec_keccak_path path, const struct codec_keccak_job *jobs, size_t count);

#endif
