/*
 * ICS-23. An input is: which tree (1 byte), root (32), key length (1), key, and the proof. What is read can be written back byte for byte, and one root
 * says one thing of a key: whatever is accepted under a root that a seed named must say what the seed said. A proof of existence is also shown under the
 * root that its own path leads to: then only its shape can be wrong, and it proves its own key alone.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "proofs/ics23.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { TOLD_MAX = 1024, KEY_MAX = 255 };

struct told {
    uint8_t root[32], key[KEY_MAX];
    size_t key_len;
    enum proof_presence presence;
};

/* Traps when this root has said the contrary about the key. */
static void tell(const struct proof_ics23_fact *fact)
{
    static struct told list[TOLD_MAX];
    static size_t len;
    for (size_t i = 0; i < len; i++) {
        if (memcmp(list[i].root, fact->root, 32) != 0 || list[i].key_len != fact->key.len ||
            memcmp(list[i].key, fact->key.data, fact->key.len) != 0)
            continue;
        if (list[i].presence != fact->presence)
            __builtin_trap();
        return;
    }
    if (len == TOLD_MAX)
        return;
    struct told *one = &list[len++];
    memcpy(one->root, fact->root, 32);
    memcpy(one->key, fact->key.data, fact->key.len);
    one->key_len = fact->key.len;
    one->presence = fact->presence;
}

static void show_mended(const struct proof_ics23_spec *spec, const struct ics23_existence *exists, struct bytes proof)
{
    uint8_t root[ICS23_HASH_MAX], other[KEY_MAX];
    struct proof_result result;
    struct proof_ics23_fact fact;
    size_t len = exists->has_leaf ? ics23_leaf_hash(root, &exists->leaf, exists->key, exists->value) : 0;
    for (size_t i = 0; i < exists->path_len && len > 0; i++)
        len = ics23_inner_hash(root, &exists->path[i], (struct bytes){root, len});
    if (len != 32 || exists->key.len > KEY_MAX)
        return;
    bool valid = proof_ics23_verify(&result, &fact, spec, root, exists->key, proof) == PROOF_VALID;
    if (result.reason == PROOF_REASON_ICS23_ROOT || result.reason == PROOF_REASON_ICS23_OTHER_KEY)
        __builtin_trap();
    if (!valid)
        return;
    if (fact.presence != PROOF_PRESENT || !codec_bytes_equal(fact.value, exists->value))
        __builtin_trap();
    memcpy(other, exists->key.data, exists->key.len);
    other[0] ^= 1;
    if (proof_ics23_verify(&result, &fact, spec, root, (struct bytes){other, exists->key.len}, proof) == PROOF_VALID)
        __builtin_trap();
    root[31] ^= 1;
    if (proof_ics23_verify(&result, &fact, spec, root, exists->key, proof) == PROOF_VALID)
        __builtin_trap();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct proof_ics23_spec *const specs[] = {&PROOF_ICS23_IAVL, &PROOF_ICS23_TENDERMINT,
                                                           &PROOF_ICS23_SMT};
    static struct ics23_proof parsed;
    struct codec_reader reader;
    struct codec_writer writer;
    struct proof_result result;
    struct proof_ics23_fact fact;
    codec_reader_init(&reader, (struct bytes){data, size});
    const struct proof_ics23_spec *spec = specs[codec_read_u8(&reader) % 3];
    struct bytes root = codec_read_bytes(&reader, 32);
    struct bytes key = codec_read_bytes(&reader, codec_read_u8(&reader));
    struct bytes proof = codec_read_bytes(&reader, codec_reader_left(&reader));
    if (reader.failed)
        return 0;
    if (ics23_proof_read(&parsed, proof)) {
        uint8_t *out = malloc(proof.len + 1);
        if (!out)
            return 0;
        codec_writer_init(&writer, out, proof.len + 1);
        ics23_proof_write(&writer, &parsed);
        if (!codec_bytes_equal(codec_writer_bytes(&writer), proof))
            __builtin_trap();
        free(out);
        if (!parsed.is_absence)
            show_mended(spec, &parsed.exists, proof);
    }
    if (proof_ics23_verify(&result, &fact, spec, root.data, key, proof) == PROOF_VALID)
        tell(&fact);
    else if (fact.presence != PROOF_UNKNOWN || result.reason <= PROOF_REASON_VALID)
        __builtin_trap();
    return 0;
}
