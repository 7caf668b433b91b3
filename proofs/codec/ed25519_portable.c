/*
 * Ed25519 in plain C: the field in five limbs of 51 bits, one point at a time.
 */
#include "proofs/codec/ed25519_lanes.h"

#define LANES 1
#define LANES_TARGET
#define LANES_NAME(x) codec_ed25519_##x##_portable

__extension__ typedef unsigned __int128 wide;

/* Products take limbs up to 2^54 and leave limbs of 51 bits and a little; sums and differences stay below 2^54. */
struct fe {
    uint64_t v[5];
};

static inline void fe_reduce(struct fe *out, wide r0, wide r1, wide r2, wide r3, wide r4)
{
    r1 += (uint64_t)(r0 >> 51);
    r2 += (uint64_t)(r1 >> 51);
    r3 += (uint64_t)(r2 >> 51);
    r4 += (uint64_t)(r3 >> 51);
    uint64_t low = ((uint64_t)r0 & ED25519_LIMB) + 19 * (uint64_t)(r4 >> 51);
    out->v[0] = low & ED25519_LIMB;
    out->v[1] = ((uint64_t)r1 & ED25519_LIMB) + (low >> 51);
    out->v[2] = (uint64_t)r2 & ED25519_LIMB;
    out->v[3] = (uint64_t)r3 & ED25519_LIMB;
    out->v[4] = (uint64_t)r4 & ED25519_LIMB;
}

static inline void fe_mul(struct fe *out, const struct fe *f, const struct fe *g)
{
    uint64_t f0 = f->v[0], f1 = f->v[1], f2 = f->v[2], f3 = f->v[3], f4 = f->v[4];
    uint64_t g0 = g->v[0], g1 = g->v[1], g2 = g->v[2], g3 = g->v[3], g4 = g->v[4];
    uint64_t h1 = 19 * g1, h2 = 19 * g2, h3 = 19 * g3, h4 = 19 * g4;
    wide r0 = (wide)f0 * g0 + (wide)f1 * h4 + (wide)f2 * h3 + (wide)f3 * h2 + (wide)f4 * h1;
    wide r1 = (wide)f0 * g1 + (wide)f1 * g0 + (wide)f2 * h4 + (wide)f3 * h3 + (wide)f4 * h2;
    wide r2 = (wide)f0 * g2 + (wide)f1 * g1 + (wide)f2 * g0 + (wide)f3 * h4 + (wide)f4 * h3;
    wide r3 = (wide)f0 * g3 + (wide)f1 * g2 + (wide)f2 * g1 + (wide)f3 * g0 + (wide)f4 * h4;
    wide r4 = (wide)f0 * g4 + (wide)f1 * g3 + (wide)f2 * g2 + (wide)f3 * g1 + (wide)f4 * g0;
    fe_reduce(out, r0, r1, r2, r3, r4);
}

static inline void fe_square(struct fe *out, const struct fe *f)
{
    uint64_t f0 = f->v[0], f1 = f->v[1], f2 = f->v[2], f3 = f->v[3], f4 = f->v[4];
    uint64_t d0 = 2 * f0, d1 = 2 * f1, h3 = 19 * f3, h4 = 19 * f4;
    wide r0 = (wide)f0 * f0 + (wide)d1 * h4 + (wide)(2 * f2) * h3;
    wide r1 = (wide)d0 * f1 + (wide)(2 * f2) * h4 + (wide)f3 * h3;
    wide r2 = (wide)d0 * f2 + (wide)f1 * f1 + (wide)(2 * f3) * h4;
    wide r3 = (wide)d0 * f3 + (wide)d1 * f2 + (wide)f4 * h4;
    wide r4 = (wide)d0 * f4 + (wide)d1 * f3 + (wide)f2 * f2;
    fe_reduce(out, r0, r1, r2, r3, r4);
}

static inline void fe_add(struct fe *out, const struct fe *f, const struct fe *g)
{
    for (int i = 0; i < 5; i++)
        out->v[i] = f->v[i] + g->v[i];
}

/* f + 2p - g; g is a product, or carried. */
static inline void fe_sub(struct fe *out, const struct fe *f, const struct fe *g)
{
    out->v[0] = f->v[0] + 0xfffffffffffda - g->v[0];
    for (int i = 1; i < 5; i++)
        out->v[i] = f->v[i] + 0xffffffffffffe - g->v[i];
}

static inline void fe_carry(struct fe *out)
{
    uint64_t c0 = out->v[0] >> 51, c1 = out->v[1] >> 51, c2 = out->v[2] >> 51, c3 = out->v[3] >> 51,
             c4 = out->v[4] >> 51;
    out->v[0] = (out->v[0] & ED25519_LIMB) + 19 * c4;
    out->v[1] = (out->v[1] & ED25519_LIMB) + c0;
    out->v[2] = (out->v[2] & ED25519_LIMB) + c1;
    out->v[3] = (out->v[3] & ED25519_LIMB) + c2;
    out->v[4] = (out->v[4] & ED25519_LIMB) + c3;
}

/* Before a product: nothing to do here, limbs have room. */
static inline void fe_narrow(struct fe *out)
{
    (void)out;
}

static inline void fe_narrow_far(struct fe *out)
{
    (void)out;
}

static inline void fe_set(struct fe *out, const uint64_t limbs[5])
{
    memcpy(out->v, limbs, sizeof out->v);
}

static inline void fe_load(struct fe *out, const uint64_t *const rows[LANES], size_t at)
{
    memcpy(out->v, rows[0] + at, sizeof out->v);
}

static inline void fe_load_entry(struct fe out[3], const uint64_t *const rows[LANES])
{
    memcpy(out[0].v, rows[0], sizeof out[0].v);
    memcpy(out[1].v, rows[0] + 5, sizeof out[1].v);
    memcpy(out[2].v, rows[0] + 10, sizeof out[2].v);
}

static inline void fe_store(uint64_t *const rows[LANES], size_t at, const struct fe *f)
{
    memcpy(rows[0] + at, f->v, sizeof f->v);
}

/* In the lanes whose bit is set, out = f. */
static inline void fe_move(struct fe *out, const struct fe *f, unsigned lanes)
{
    uint64_t mask = 0 - (uint64_t)(lanes & 1);
    for (int i = 0; i < 5; i++)
        out->v[i] ^= mask & (out->v[i] ^ f->v[i]);
}

#include "proofs/codec/ed25519_lanes.inc"

/* [8](P - R) = 0, as 8P - 8R has x = 0 and y = z: the neutral element alone has that. */
bool codec_ed25519_same_but_small_order(const uint8_t p[32], const uint8_t r[32])
{
    ed25519_entry rows[2];
    struct ed25519_table tables[2] = {{.encoded = p, .rows = rows}, {.encoded = r, .rows = rows + 1}};
    static const struct ed25519_shape one = {1, 1, 1};
    codec_ed25519_tables_portable(tables, 2, &one);
    if (!tables[0].usable || !tables[1].usable)
        return false;
    const uint64_t *negative_p[1] = {rows[0]}, *negative_r[1] = {rows[1]};
    struct entry entry;
    struct completed sum;
    struct point point;
    completed_neutral(&sum);
    load_entry(&entry, negative_r, 1); /* + R */
    point_extended(&point, &sum);
    point_add_entry(&sum, &point, &entry);
    load_entry(&entry, negative_p, 0); /* - P */
    point_extended(&point, &sum);
    point_add_entry(&sum, &point, &entry);
    for (int i = 0; i < 3; i++) {
        point_projective(&point, &sum);
        point_double(&sum, &point);
    }
    point_projective(&point, &sum);
    struct fe difference;
    fe_sub(&difference, &point.y, &point.z);
    ed25519_limbs_freeze(point.x.v);
    ed25519_limbs_freeze(difference.v);
    return ed25519_limbs_are_zero(point.x.v) && ed25519_limbs_are_zero(difference.v);
}
