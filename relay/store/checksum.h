/*
 * CRC-32C, by which RocksDB guards its log, at the speed of the processor.
 *
 * Debian's librocksdb computes it by table (its log says "Fast CRC32 supported: Not supported on x86"), which was the
 * greatest part of its time in a commit. The library calls its function through its symbol table, so a function of that
 * name in the program takes its place: store_checksum_extend is rocksdb::crc32c::Extend. Where a library does not call it that way, or
 * does better itself, nothing changes but the time.
 */
#ifndef RELAY_STORE_CHECKSUM_H
#define RELAY_STORE_CHECKSUM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#if defined(__x86_64__) && defined(__GNUC__)
#define STORE_CHECKSUM_NAME "_ZN7rocksdb6crc32c6ExtendEjPKcm"

/* The CRC-32C (Castagnoli; RFC 3720, appendix B.4) of what crc is the checksum of, followed by data. By the library's own
 * function on a processor without SSE 4.2. */
uint32_t store_checksum_extend(uint32_t crc, const char *data, size_t len) __asm__(STORE_CHECKSUM_NAME);
#endif

/* False: the function above computes something else than CRC-32C here, and no store must be opened. */
bool store_checksum_right(void);

#endif
