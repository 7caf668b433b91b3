/*
 * Inside of sha256.c: the compression function by the processor's own instructions.
 */
#ifndef ISTHMUS_PROOFS_CODEC_SHA256_BLOCKS_H
#define ISTHMUS_PROOFS_CODEC_SHA256_BLOCKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

extern const uint32_t CODEC_SHA256_ROUND[64];

/* True when the processor has SHA-NI and SSE4.1, and this build can use them. */
bool codec_sha256_shani_usable(void);

/* Compresses blocks * 64 bytes into state; must be usable. */
void codec_sha256_shani_blocks(uint32_t state[8], const uint8_t *data, size_t blocks);

/* The same for two states and as many blocks of each, instruction by instruction in turn. */
void codec_sha256_shani_blocks_two(uint32_t states[2][8], const uint8_t *const data[2], size_t blocks);

#endif
