/* Tables of suites and tags, and the tagged hash. */
#include "proofs/suite.h"

#include <assert.h>
#include <string.h>

const char *proof_suite_name(enum proof_suite suite)
{
    switch (suite) {
#define X(name, bit, text, hash)                                                                                       \
    case PROOF_SUITE_##name: return text;
        PROOF_SUITES(X)
#undef X
    case PROOF_SUITE_NONE: break;
    }
    return "none";
}

enum proof_suite proof_suite_by_name(const char *name)
{
#define X(suite, bit, text, hash)                                                                                      \
    if (strcmp(name, text) == 0)                                                                                       \
        return PROOF_SUITE_##suite;
    PROOF_SUITES(X)
#undef X
    return PROOF_SUITE_NONE;
}

enum proof_suite proof_suite_by_bit(uint64_t bit)
{
#define X(name, number, text, hash)                                                                                    \
    if (bit == number)                                                                                                 \
        return PROOF_SUITE_##name;
    PROOF_SUITES(X)
#undef X
    return PROOF_SUITE_NONE;
}

enum codec_hash proof_suite_hash(enum proof_suite suite)
{
    switch (suite) {
#define X(name, bit, text, hash)                                                                                       \
    case PROOF_SUITE_##name: return hash;
        PROOF_SUITES(X)
#undef X
    case PROOF_SUITE_NONE: break;
    }
    return CODEC_HASH_NONE;
}

bool proof_suites_valid(uint8_t set)
{
    return set != 0 && (set & ~PROOF_SUITES_ALL) == 0;
}

size_t proof_suites_count(uint8_t set)
{
    return (size_t)__builtin_popcount(set);
}

enum proof_suite proof_suites_lowest(uint8_t set)
{
    return proof_suite_by_bit(set & -(unsigned)set);
}

size_t proof_suites_place(uint8_t set, enum proof_suite suite)
{
    return proof_suites_count((uint8_t)(set & ((unsigned)suite - 1)));
}

/* A tag is one row: the text, the compiler's zeros, and the version in the last byte. */
static const struct {
    char text[PROOF_TAG_BYTES - 1];
    uint8_t version;
} tags[PROOF_TAG_COUNT] = {
#define X(name, text) [PROOF_TAG_##name] = {"isthmus/" text, 1},
    PROOF_TAGS(X)
#undef X
};

#define X(name, text) _Static_assert(sizeof("isthmus/" text) <= PROOF_TAG_BYTES, "a tag has at most 15 characters");
PROOF_TAGS(X)
#undef X

const uint8_t *proof_tag_bytes(enum proof_tag tag)
{
    return (const uint8_t *)&tags[tag];
}

void proof_hash(uint8_t out[32], enum proof_suite suite, enum proof_tag tag, const struct bytes *parts, size_t count)
{
    struct bytes all[1 + PROOF_HASH_PARTS_MAX] = {{proof_tag_bytes(tag), PROOF_TAG_BYTES}};
    assert(count <= PROOF_HASH_PARTS_MAX && tag < PROOF_TAG_COUNT);
    memcpy(all + 1, parts, count * sizeof *parts);
    bool done = codec_hash(out, proof_suite_hash(suite), all, 1 + count);
    assert(done);
    (void)done;
}
