/* A fixture of tests/check-source. */
#include "relay/edge/loop.h" /* BAD */
