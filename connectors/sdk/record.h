/*
 * Records of logs and the hashes that they lead to (docs/formats.md sections 2 to 4), under keccak256-secp256k1: as far as a
 * connector needs them, which checks what its node shows before it sends it.
 */
#ifndef CONNECTORS_SDK_RECORD_H
#define CONNECTORS_SDK_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proofs/codec/connector.h"

/* running = R_n from R_{n-1} and the record of entry n (message record or outcome record). False: no such record. */
bool sdk_record_extend(uint8_t running[32], enum connector_log_kind kind, const uint8_t lane[32], uint64_t number,
                       struct bytes record);

/* Size of the record at the front of `records`; 0 when it is malformed. */
size_t sdk_record_size(enum connector_log_kind kind, struct bytes records);

/* H(tag log, lane || kind || suite 1). */
void sdk_record_log_id(uint8_t out[32], const uint8_t lane[32], enum connector_log_kind kind);

/* Digest of message `sequence` from its record, which sdk_record_size took. */
void sdk_record_digest(uint8_t out[32], const uint8_t lane[32], uint64_t sequence, struct bytes record);

#endif
