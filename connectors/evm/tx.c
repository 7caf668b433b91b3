/*
 * Transactions, encoded and signed (tx.h).
 */
#include "connectors/evm/tx.h"

#include <stdlib.h>

#include "proofs/codec/keccak.h"
#include "proofs/codec/rlp.h"
#include "proofs/codec/secp256k1.h"

/* 0x02 and the list; with the signature when there is one. */
static void write_tx(struct codec_writer *writer, const struct evm_tx *tx, const uint8_t *signature, int parity)
{
    codec_write_u8(writer, 2);
    const size_t list = codec_rlp_list_begin(writer);
    codec_rlp_write_u64(writer, tx->chain_id);
    codec_rlp_write_u64(writer, tx->nonce);
    codec_rlp_write_u64(writer, tx->tip);
    codec_rlp_write_u64(writer, tx->max_fee);
    codec_rlp_write_u64(writer, tx->gas);
    codec_rlp_write_string(writer, BYTES_OF(tx->to));
    codec_rlp_write_u64(writer, 0); /* value */
    codec_rlp_write_string(writer, tx->data);
    codec_rlp_list_end(writer, codec_rlp_list_begin(writer)); /* no access list */
    if (signature) {
        codec_rlp_write_u64(writer, (uint64_t)parity);
        codec_rlp_write_uint(writer, (struct bytes){signature, 32});
        codec_rlp_write_uint(writer, (struct bytes){signature + 32, 32});
    }
    codec_rlp_list_end(writer, list);
}

uint8_t *evm_tx_sign(size_t *len, uint8_t hash[32], const struct evm_tx *tx, const uint8_t key[32])
{
    const size_t cap = tx->data.len + 256;
    uint8_t *raw = malloc(cap), signature[64];
    int parity = 0;
    struct codec_writer writer;
    codec_writer_init(&writer, raw, raw ? cap : 0);
    write_tx(&writer, tx, NULL, 0);
    codec_keccak256(hash, codec_writer_bytes(&writer));
    if (writer.failed || !codec_secp256k1_sign(signature, &parity, key, hash)) {
        free(raw);
        return NULL;
    }
    codec_writer_init(&writer, raw, cap);
    write_tx(&writer, tx, signature, parity);
    codec_keccak256(hash, codec_writer_bytes(&writer));
    *len = writer.len;
    return raw;
}
