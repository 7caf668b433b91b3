/* A fixture of tests/check-source. */
#include <secp256k1.h> /* BAD */
