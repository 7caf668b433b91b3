/*
 * Headers: their hash, and what must hold of one before anybody's signature is looked at.
 */
#include <string.h>

#include "proofs/cometbft_inside.h"

enum { FIELDS = 14, FIELD_MAX = COMETBFT_APP_HASH_MAX + 16, BLOCK_PROTOCOL = 11 };

/* cdcEncode: a wrapper message with the value as its field 1, and nothing at all for an empty value. */
static void wrap(struct codec_writer *writer, struct bytes value)
{
    codec_protobuf_write_bytes(writer, 1, value);
}

static void write_field(struct codec_writer *writer, const struct cometbft_header *header, size_t field)
{
    switch (field) {
    case 0:
        codec_protobuf_write_u64(writer, 1, header->version_block);
        codec_protobuf_write_u64(writer, 2, header->version_app);
        break;
    case 1: wrap(writer, header->chain_id); break;
    case 2: codec_protobuf_write_i64(writer, 1, header->height); break;
    case 3: cometbft_time_write(writer, header->time); break;
    case 4: cometbft_block_id_write(writer, &header->last_block_id); break;
    case 5: wrap(writer, header->last_commit_hash); break;
    case 6: wrap(writer, header->data_hash); break;
    case 7: wrap(writer, header->validators_hash); break;
    case 8: wrap(writer, header->next_validators_hash); break;
    case 9: wrap(writer, header->consensus_hash); break;
    case 10: wrap(writer, header->app_hash); break;
    case 11: wrap(writer, header->last_results_hash); break;
    case 12: wrap(writer, header->evidence_hash); break;
    case 13: wrap(writer, header->proposer_address); break;
    }
}

bool proof_cometbft_header_hash(uint8_t hash[32], const struct cometbft_header *header)
{
    uint8_t hashes[FIELDS][32];
    uint8_t field[FIELD_MAX];
    memset(hash, 0, 32);
    /* Header.Hash: "Returns nil if ValidatorHash is missing" */
    if (header->validators_hash.len != 32)
        return false;
    for (size_t i = 0; i < FIELDS; i++) {
        struct codec_writer writer;
        codec_writer_init(&writer, field, sizeof field);
        write_field(&writer, header, i);
        if (writer.failed)
            return false;
        cometbft_merkle_leaf(hashes[i], codec_writer_bytes(&writer));
    }
    cometbft_merkle_root(hash, hashes, FIELDS);
    return true;
}

/* types.Header.ValidateBasic; sizes of hashes and of the chain id were checked by the reader. */
enum proof_reason cometbft_header_check(const struct cometbft_header *header, struct bytes chain_id)
{
    if (header->version_block != BLOCK_PROTOCOL)
        return PROOF_REASON_COMETBFT_VERSION;
    if (!codec_bytes_equal(header->chain_id, chain_id))
        return PROOF_REASON_COMETBFT_OTHER_CHAIN;
    if (header->height <= 0)
        return PROOF_REASON_COMETBFT_HEIGHT;
    if (header->proposer_address.len != COMETBFT_ADDRESS_BYTES)
        return PROOF_REASON_COMETBFT_ADDRESS_SIZE;
    /* LightBlock.ValidateBasic: the set's hash must be the header's, so it cannot be missing */
    if (header->validators_hash.len != 32)
        return PROOF_REASON_COMETBFT_SET_HASH;
    return PROOF_REASON_VALID;
}

static void copy_hash(uint8_t out[32], struct bytes hash)
{
    if (hash.len == 32)
        memcpy(out, hash.data, 32);
}

void cometbft_state_of(struct proof_cometbft_state *out, const struct cometbft_header *header, const uint8_t hash[32])
{
    memset(out, 0, sizeof *out);
    memcpy(out->chain_id, header->chain_id.data, header->chain_id.len);
    out->chain_id_len = (uint8_t)header->chain_id.len;
    out->height = header->height;
    out->time = header->time;
    memcpy(out->hash, hash, 32);
    copy_hash(out->validators_hash, header->validators_hash);
    copy_hash(out->next_validators_hash, header->next_validators_hash);
    copy_hash(out->last_block_hash, header->last_block_id.hash);
    copy_hash(out->data_hash, header->data_hash);
    if (header->app_hash.len > 0)
        memcpy(out->app_hash, header->app_hash.data, header->app_hash.len);
    out->app_hash_len = (uint16_t)header->app_hash.len;
}

bool proof_cometbft_state_from(struct proof_cometbft_state *state, struct bytes chain_id,
                               const struct cometbft_header *header)
{
    uint8_t hash[32];
    memset(state, 0, sizeof *state);
    if (chain_id.len == 0 || chain_id.len > COMETBFT_CHAIN_ID_MAX || header->app_hash.len > COMETBFT_APP_HASH_MAX ||
        cometbft_header_check(header, chain_id) != PROOF_REASON_VALID || header->next_validators_hash.len != 32 ||
        !proof_cometbft_header_hash(hash, header))
        return false;
    cometbft_state_of(state, header, hash);
    return true;
}
