/* A fixture of tests/check-source. */
#include <curl/curl.h>
#include <jansson.h>

#include "connectors/evm/rpc.h"
#include "connectors/sdk/sdk.h"
#include "proofs/codec/bytes.h"
