/*
 * Ethereum's JSON-RPC objects (execution-apis: Block, Receipt) as the bytes that are hashed.
 */
#ifndef ISTHMUS_TOOLS_VERIFY_ETH_JSON_H
#define ISTHMUS_TOOLS_VERIFY_ETH_JSON_H

#include "proofs/codec/bytes.h"
#include "tools/verify/json.h"

/* The RLP of the header in a block object as eth_getBlockBy... gives it. Memory of doc; the error is doc's. */
struct bytes tools_eth_json_header(struct tools_json_doc *doc, const struct tools_json *block);

/* The trie value of a receipt object as eth_getTransactionReceipt gives it, or of hexadecimal text (the value itself). */
struct bytes tools_eth_json_receipt(struct tools_json_doc *doc, const struct tools_json *receipt);

/* All receipts of an array as eth_getBlockReceipts gives it, in the order of their transactions. */
const struct bytes *tools_eth_json_receipts(size_t *count, struct tools_json_doc *doc,
                                            const struct tools_json *receipts);

/* The answer itself: node, or its "result" when it is a JSON-RPC envelope. */
const struct tools_json *tools_eth_json_result(const struct tools_json *node);

#endif
