/* A fixture of tests/check-source. */
#include <event2/event.h>
#include <msgpack.h> /* BAD */
#include <cmocka.h> /* BAD */
