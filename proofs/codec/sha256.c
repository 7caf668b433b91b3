/*
 * The padding, the plain rounds, and the choice of a path.
 */
#include "proofs/codec/sha256.h"

#include <string.h>

#include "proofs/codec/sha256_blocks.h"

const uint32_t CODEC_SHA256_ROUND[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

static uint32_t rotate(uint32_t x, unsigned by)
{
    return x >> by | x << (32 - by);
}

static uint32_t load_big_endian(const uint8_t *from)
{
    return (uint32_t)from[0] << 24 | (uint32_t)from[1] << 16 | (uint32_t)from[2] << 8 | from[3];
}

static void portable_block(uint32_t state[8], const uint8_t *block)
{
    uint32_t w[64];
    uint32_t s[8];
    memcpy(s, state, sizeof s);
    for (size_t i = 0; i < 16; i++)
        w[i] = load_big_endian(block + 4 * i);
    for (size_t i = 16; i < 64; i++) {
        uint32_t s0 = rotate(w[i - 15], 7) ^ rotate(w[i - 15], 18) ^ w[i - 15] >> 3;
        uint32_t s1 = rotate(w[i - 2], 17) ^ rotate(w[i - 2], 19) ^ w[i - 2] >> 10;
        w[i] = w[i - 16] + s0 + w[i - 7] + s1;
    }
    /* the eight words turn by index, not by moving: s[(j - i) & 7] is word j of round i */
    for (size_t i = 0; i < 64; i += 8) {
        for (size_t k = 0; k < 8; k++) {
            const uint32_t e = s[(4 - k) & 7];
            const uint32_t a = s[(0 - k) & 7];
            uint32_t sum1 = rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25);
            uint32_t choose = (e & s[(5 - k) & 7]) ^ (~e & s[(6 - k) & 7]);
            uint32_t one = s[(7 - k) & 7] + sum1 + choose + CODEC_SHA256_ROUND[i + k] + w[i + k];
            uint32_t sum0 = rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22);
            uint32_t majority = (a & s[(1 - k) & 7]) ^ (a & s[(2 - k) & 7]) ^ (s[(1 - k) & 7] & s[(2 - k) & 7]);
            s[(3 - k) & 7] += one;
            s[(7 - k) & 7] = one + sum0 + majority;
        }
    }
    for (size_t i = 0; i < 8; i++)
        state[i] += s[i];
}

static void portable_blocks(uint32_t state[8], const uint8_t *data, size_t blocks)
{
    for (size_t i = 0; i < blocks; i++)
        portable_block(state, data + 64 * i);
}

/* Inputs below this many bytes fit two blocks with their padding. */
enum { SHORT_END = 120 };

typedef void blocks_function(uint32_t state[8], const uint8_t *data, size_t blocks);

/* Where the parts are gathered: whole blocks of a long part are hashed where they lie. */
struct sponge {
    uint32_t state[8];
    uint8_t block[128]; /* room for the padding's second block */
    size_t fill;
    uint64_t total;
};

static inline void absorb(struct sponge *sponge, blocks_function *blocks, struct bytes in)
{
    sponge->total += in.len;
    if (sponge->fill > 0) {
        size_t take = 64 - sponge->fill < in.len ? 64 - sponge->fill : in.len;
        memcpy(sponge->block + sponge->fill, in.data, take);
        sponge->fill += take;
        in = (struct bytes){in.data + take, in.len - take};
        if (sponge->fill < 64)
            return;
        blocks(sponge->state, sponge->block, 1);
        sponge->fill = 0;
    }
    if (in.len >= 64)
        blocks(sponge->state, in.data, in.len / 64);
    sponge->fill = in.len % 64;
    if (sponge->fill > 0)
        memcpy(sponge->block, in.data + in.len - sponge->fill, sponge->fill);
}

static void store_state(uint8_t out[32], const uint32_t state[8])
{
    for (size_t i = 0; i < 8; i++) {
        const uint32_t word = state[i];
        const uint8_t big_endian[4] = {(uint8_t)(word >> 24), (uint8_t)(word >> 16), (uint8_t)(word >> 8),
                                       (uint8_t)word};
        memcpy(out + 4 * i, big_endian, 4); /* four bytes at a time: compilers know this shape as one instruction */
    }
}

/* FIPS 180-4, 5.1.1: a one bit, zeros, the length in bits as 64. */
static inline void finish(uint8_t out[32], struct sponge *sponge, blocks_function *blocks)
{
    size_t end = sponge->fill < 56 ? 64 : 128;
    sponge->block[sponge->fill] = 0x80;
    memset(sponge->block + sponge->fill + 1, 0, end - sponge->fill - 1);
    for (size_t i = 0; i < 8; i++)
        sponge->block[end - 1 - i] = (uint8_t)(sponge->total * 8 >> 8 * i);
    blocks(sponge->state, sponge->block, end / 64);
    store_state(out, sponge->state);
}

bool codec_sha256_path_usable(enum codec_sha256_path path)
{
    switch (path) {
    case CODEC_SHA256_PORTABLE: return true;
    case CODEC_SHA256_SHANI: return codec_sha256_shani_usable();
    }
    return false;
}

/* All of a short input in one buffer, with its padding: most of what proofs hash. Returns how many blocks it fills. */
static size_t short_fill(uint8_t buffer[128], const struct bytes *parts, size_t count, size_t total)
{
    size_t end = total < 56 ? 64 : 128;
    size_t fill = 0;
    for (size_t i = 0; i < count; i++) {
        if (parts[i].len > 0)
            memcpy(buffer + fill, parts[i].data, parts[i].len);
        fill += parts[i].len;
    }
    memset(buffer + fill, 0, end - fill);
    buffer[fill] = 0x80;
    buffer[end - 2] = (uint8_t)(total * 8 >> 8);
    buffer[end - 1] = (uint8_t)(total * 8);
    return end / 64;
}

/* The length of a short input; SHORT_END for any that is not. */
static size_t short_length(const struct bytes *parts, size_t count)
{
    size_t total = 0;
    for (size_t i = 0; i < count && total < SHORT_END; i++)
        total = parts[i].len < SHORT_END ? total + parts[i].len : SHORT_END;
    return total < SHORT_END ? total : SHORT_END;
}

static const uint32_t start_state[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                        0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};

static void long_hash(uint8_t out[32], blocks_function *blocks, const struct bytes *parts, size_t count)
{
    struct sponge sponge;
    memcpy(sponge.state, start_state, sizeof start_state);
    sponge.fill = 0;
    sponge.total = 0;
    for (size_t i = 0; i < count; i++)
        if (parts[i].len > 0)
            absorb(&sponge, blocks, parts[i]);
    finish(out, &sponge, blocks);
}

void codec_sha256_by(enum codec_sha256_path path, uint8_t out[32], const struct bytes *parts, size_t count)
{
    blocks_function *blocks = path == CODEC_SHA256_SHANI ? codec_sha256_shani_blocks : portable_blocks;
    uint32_t state[8];
    uint8_t buffer[128];
    size_t total = short_length(parts, count);
    if (total == SHORT_END) {
        long_hash(out, blocks, parts, count);
        return;
    }
    memcpy(state, start_state, sizeof state);
    blocks(state, buffer, short_fill(buffer, parts, count, total));
    store_state(out, state);
}

void codec_sha256_two_by(enum codec_sha256_path path, uint8_t out[2][32], const struct codec_sha256_input in[2])
{
    uint32_t states[2][8];
    uint8_t buffers[2][128];
    uint8_t first[32];
    size_t totals[2] = {short_length(in[0].parts, in[0].count), short_length(in[1].parts, in[1].count)};
    bool together = totals[0] < SHORT_END && totals[1] < SHORT_END && (totals[0] < 56) == (totals[1] < 56);
    if (path == CODEC_SHA256_PORTABLE || !together) {
        codec_sha256_by(path, first, in[0].parts, in[0].count); /* in[1] may lie in out[0] */
        codec_sha256_by(path, out[1], in[1].parts, in[1].count);
        memcpy(out[0], first, 32);
        return;
    }
    size_t blocks = short_fill(buffers[0], in[0].parts, in[0].count, totals[0]);
    short_fill(buffers[1], in[1].parts, in[1].count, totals[1]);
    memcpy(states[0], start_state, sizeof start_state);
    memcpy(states[1], start_state, sizeof start_state);
    codec_sha256_shani_blocks_two(states, (const uint8_t *const[2]){buffers[0], buffers[1]}, blocks);
    store_state(out[0], states[0]);
    store_state(out[1], states[1]);
}

static enum codec_sha256_path best_path(void)
{
    return codec_sha256_shani_usable() ? CODEC_SHA256_SHANI : CODEC_SHA256_PORTABLE;
}

void codec_sha256(uint8_t out[32], const struct bytes *parts, size_t count)
{
    codec_sha256_by(best_path(), out, parts, count);
}

void codec_sha256_two(uint8_t out[2][32], const struct codec_sha256_input in[2])
{
    codec_sha256_two_by(best_path(), out, in);
}
