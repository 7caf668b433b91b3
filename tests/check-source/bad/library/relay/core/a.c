/* A fixture of tests/check-source. */
#include <event2/event.h> /* BAD */
#include <rocksdb/c.h> /* BAD */
#include <nng/nng.h> /* BAD */
