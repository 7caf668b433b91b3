/* A fixture of tests/check-source. */
#include "topology/network.h" /* BAD */
