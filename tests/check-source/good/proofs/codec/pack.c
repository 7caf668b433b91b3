/* A fixture of tests/check-source. */
#include <msgpack.h>

#include "proofs/codec/pack.h"
#include "proofs/codec/bytes.h"
